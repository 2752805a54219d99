import { PAUSES } from '../../src/contract/patience';
import type { Purpose } from '../shared/github-budget';

/** Why a message stays in the queue. */
export type Reason =
  /** A build was started, or one that is under way does the work. */
  | { readonly kind: 'build' }
  /** Something failed. */
  | { readonly kind: 'retry' }
  /** GitHub announced a version, and does not list it yet. */
  | { readonly kind: 'unlisted' }
  /** Work of a full reconcile that waits for a build of another to end. */
  | { readonly kind: 'turn' }
  /** GitHub's rate limit, or the function's time, is used up. `until` is in milliseconds since the epoch. */
  | { readonly kind: 'budget'; readonly purpose: Purpose; readonly until: number }
  /** Not a message of ours. */
  | { readonly kind: 'foreign' };

/**
 * What waits for its turn comes back at common times, so that a batch is full and few builds do the work: at
 * multiples of `every`, and after
 * some looks at each third of them. Seconds.
 */
const TURN = { every: 300, oftenUpTo: 11 };

/** Foreign messages hurry to the dead-letter queue. Seconds. */
const FOREIGN = 2;

/**
 * Seconds until a message is looked at again.
 *
 * @param receiveCount looks so far, from 1
 * @param now milliseconds since the epoch
 * @param random from 0 to 1: messages that failed together don't all come back together
 */
export function pauseSeconds(reason: Reason, receiveCount: number, now: number, random: number): number {
  switch (reason.kind) {
    case 'build':
    case 'retry':
    case 'unlisted':
      return doubled(PAUSES[reason.kind], receiveCount, random);
    case 'turn':
      return untilTurn(receiveCount, now, random);
    case 'budget':
      return untilBudget(reason, now, random);
    case 'foreign':
      return FOREIGN;
  }
}

function doubled(first: number, receiveCount: number, random: number): number {
  const seconds = Math.min(first * 2 ** (Math.max(1, receiveCount) - 1), PAUSES.longest);
  return seconds < PAUSES.longest ? seconds : Math.ceil(seconds * (1 - random / 10));
}

function untilTurn(receiveCount: number, now: number, random: number): number {
  const next = TURN.every - (now / 1000) % TURN.every;
  // A moment after a common time belongs to the next one.
  const often = next < TURN.every / 2 ? next + TURN.every : next;
  return Math.ceil((receiveCount <= TURN.oftenUpTo ? often : next + 2 * TURN.every) - random);
}

function untilBudget(
  { purpose, until }: { readonly purpose: Purpose; readonly until: number },
  now: number,
  random: number,
): number {
  const left = Math.max(0, (until - now) / 1000);
  if (purpose === 'push') { return Math.ceil(Math.min(PAUSES.longest, left + 1 + 10 * random)); }
  return Math.ceil(PAUSES.shortestSpread + (PAUSES.longest - PAUSES.shortestSpread) * random);
}
