import { setTimeout as delay } from 'node:timers/promises';
import type { World } from '../../../sandbox/world/world';

export interface HurryOptions {
  /** Ends the waiting early. */
  readonly until?: () => boolean;
  /** @default 60 000 */
  readonly timeoutMs?: number;
  /** How far the clock jumps where only hidden messages are left to wait for. @default 10 s, dispatch's first retry delay */
  readonly stepMs?: number;
}

/**
 * Waits until nothing is under way, as `world.settled()` does, but does not wait for time: where all that is left are messages that nobody sees
 * yet (a retry delay, a visibility timeout), the cloud's clock is advanced. Small steps, so that no schedule comes due before its time.
 */
export async function hurry(world: World, { until = () => false, timeoutMs = 60_000, stepMs = 10_000 }: HurryOptions = {}): Promise<void> {
  const end = performance.now() + timeoutMs;
  let quiet = 0;
  let waiting = 0;
  while (quiet < 12 && !until()) {
    const busy = world.cloud.busy();
    quiet = busy.length === 0 ? quiet + 1 : 0;
    waiting = busy.join() === 'sqs' ? waiting + 1 : 0;
    // Messages that are visible are taken within this time.
    if (waiting >= 6) {
      world.cloud.clock.advance(stepMs);
      waiting = 0;
    }
    if (performance.now() > end) { throw new Error(`still busy after ${timeoutMs} ms: ${busy.join(', ')}`); }
    await delay(20);
    if (busy.length === 0) { await world.github.idle(); }
  }
}
