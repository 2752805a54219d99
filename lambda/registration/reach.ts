import { RequestError } from '@octokit/request-error';
import type { HookDelivery, OrganizationHooks } from './hooks';
import { within } from './within';
import { messageOf } from '../shared/errors';

export interface Time {
  now(): number;
  sleep(ms: number): Promise<unknown>;
}

/** How long GitHub is given to deliver its ping. The delivery log is read after growing pauses. */
export const REACH = { timeoutMs: 30_000, firstPauseMs: 500, longestPauseMs: 4_000 };

/**
 * Pings, and reads GitHub's delivery log until a ping has got through, for a bounded time.
 *
 * @param isNew whether the hook was created just now: then every ping in the log is about the present URL and secret
 * @returns `yes`, or `no: ` and the reason. Not getting through is no failure: the schedule mirrors too.
 */
export async function waitForPing(
  hooks: OrganizationHooks,
  hookId: number,
  isNew: boolean,
  time: Time,
): Promise<string> {
  try {
    return await within(
      REACH.timeoutMs + REACH.longestPauseMs,
      'GitHub\'s API did not answer in time',
      () => pingAndWatch(hooks, hookId, isNew, time),
    );
  } catch (error) {
    if (!(error instanceof RequestError)) { return `no: ${messageOf(error)}`; }
    return `no: GitHub's API answered ${error.status} when asked for a ping and its delivery`;
  }
}

async function pingAndWatch(
  hooks: OrganizationHooks,
  hookId: number,
  isNew: boolean,
  { now, sleep }: Time,
): Promise<string> {
  const start = now();
  // Pings of an earlier URL or secret say nothing. They are told apart by the log itself,
  // because GitHub's clock is not ours.
  const before = new Set(isNew ? [] : (await hooks.deliveries(hookId)).map(key));
  await hooks.ping(hookId);
  let last = 'GitHub has logged no ping yet';
  for (let pause = REACH.firstPauseMs; ; pause = Math.min(2 * pause, REACH.longestPauseMs)) {
    const pings = (await hooks.deliveries(hookId))
      .filter(delivery => delivery.event === 'ping' && !before.has(key(delivery)));
    if (pings.some(({ statusCode }) => statusCode === 200)) { return 'yes'; }
    if (pings.length > 0) { last = `GitHub saw ${pings[0].statusCode} ${pings[0].status}`; }
    if (now() - start >= REACH.timeoutMs) { return `no: ${last}`; }
    await sleep(pause);
  }
}

function key({ guid, deliveredAt }: HookDelivery): string {
  return `${guid} ${deliveredAt}`;
}
