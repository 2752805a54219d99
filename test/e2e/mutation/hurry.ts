import { settle, SettleOptions } from '../../../sandbox/world/settle';
import type { World } from '../../../sandbox/world/world';

/** `world.settled()` with what tests of many short worlds need: a minute, and an early end. */
export function hurry(world: World, options: SettleOptions = {}): Promise<void> {
  return settle(world, { timeoutMs: 60_000, ...options });
}
