import { setTimeout as delay } from 'node:timers/promises';
import type { LocalCloud } from '../aws/cloud';
import type { GitHub } from '../github';

export interface SettleOptions {
  /** Ends the waiting early. */
  readonly until?: () => boolean;
  /** @default 120 000 */
  readonly timeoutMs?: number;
  /** How far the clock jumps where only hidden messages are left to wait for. @default 30 s */
  readonly stepMs?: number;
}

/**
 * Waits until no delivery, message, invocation or build is under way, but does not wait for time: where all that is
 * left are messages that
 * nobody sees yet (a pause of dispatch, a visibility timeout), the cloud's clock is advanced. Small steps, so that
 * no schedule comes due
 * before its time.
 */
export async function settle(
  { cloud, github }: { readonly cloud: LocalCloud; readonly github: GitHub },
  { until = () => false, timeoutMs = 120_000, stepMs = 30_000 }: SettleOptions = {},
): Promise<void> {
  const end = performance.now() + timeoutMs;
  let quiet = 0;
  let waiting = 0;
  await github.idle();
  while (quiet < 12 && !until()) {
    const busy = cloud.busy();
    quiet = busy.length === 0 ? quiet + 1 : 0;
    waiting = busy.join() === 'sqs' ? waiting + 1 : 0;
    // Messages that are visible are taken within this time.
    if (waiting >= 6) {
      cloud.clock.advance(stepMs);
      waiting = 0;
    }
    if (performance.now() > end) { throw new Error(`still busy after ${timeoutMs} ms: ${busy.join(', ')}`); }
    await delay(20);
    if (busy.length === 0) { await github.idle(); }
  }
}
