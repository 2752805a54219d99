import type { Deliveries } from './deliveries';
import type { Hooks } from './hooks';
import { packagePayload, PayloadContext, PushedVersion } from './payload';

export interface AnnouncerSettings {
  readonly hooks: Hooks;
  readonly deliveries: Deliveries;
  readonly context: PayloadContext;
  readonly tagWindowMs: number;
  readonly unlinkedPackages: 'deliver' | 'silent';
}

/** Tells the hooks about pushes: one delivery per manifest, however many tags it got within the window. */
export class Announcer {
  private readonly waiting = new Map<string, PushedVersion>();

  constructor(private readonly settings: AnnouncerSettings) {}

  public announce(pushed: PushedVersion): void {
    const key = `${pushed.put.repository}@${pushed.version.name}`;
    const earlier = this.waiting.get(key);
    this.waiting.set(key, earlier ? merge(earlier, pushed) : pushed);
    if (earlier) { return; }
    const { deliveries, tagWindowMs } = this.settings;
    deliveries.track(deliveries.wait(tagWindowMs).then(() => {
      const last = this.waiting.get(key) ?? pushed;
      this.waiting.delete(key);
      this.deliver(last);
    })).catch((error: unknown) => { process.stderr.write(`stand-in failed to announce ${key}: ${String(error)}\n`); });
  }

  private deliver(pushed: PushedVersion): void {
    const { hooks, deliveries, context, unlinkedPackages } = this.settings;
    if (pushed.package.repository === undefined && unlinkedPackages === 'silent') { return; }
    for (const event of ['package', 'registry_package'] as const) {
      const payload = packagePayload(event, pushed, context);
      for (const hook of hooks.list().filter(candidate => candidate.active && candidate.wants(event))) {
        deliveries.sendInBackground({ hook, event, payload });
      }
    }
  }
}

/** One event for both: the later tag, if it has one, and still new if it was. */
function merge(earlier: PushedVersion, later: PushedVersion): PushedVersion {
  return { ...later, tag: later.tag || earlier.tag, action: earlier.action };
}
