import { causeOf, retryAfterOf } from './causes';
import { asksToSlowDown, FailureCause } from './failure-cause';
import type { Limiter } from './limiter';
import type { LoginRenewal } from './login-renewal';
import { asError } from '../../shared/errors';

/** How many tries each cause is worth. */
const TRIES: Readonly<Record<FailureCause, number>> = {
  lag: 6,
  throttled: 8,
  overloaded: 5,
  network: 5,
  expired: 2,
  login: 2,
  unknown: 2,
  denied: 1,
  conflict: 1,
  missing: 1,
  unsupported: 1,
  invalid: 1,
  untrusted: 1,
};

/** A longer wait that a registry asks for is cut to this: the next run can try again, too. */
const LONGEST_WAIT_MS = 300_000;

/**
 * Milliseconds before try number `attempt + 1`: 1 s doubled each time, up to 30 s, of which a random half is taken off.
 */
export function backoff(attempt: number, random: () => number): number {
  return Math.min(1_000 * 2 ** (attempt - 1), 30_000) * (0.5 + random() / 2);
}

export interface RetryOptions {
  readonly sleep: (ms: number) => Promise<unknown>;
  /** 0 to 1. */
  readonly random: () => number;
  /** Called before each further try. */
  readonly onRetry: (error: Error, cause: FailureCause, waitMs: number) => Promise<void> | void;
}

/** Tries again as often as the cause of the failure is worth; each cause has its own count. */
export async function withRetry<T>(work: () => Promise<T>, { sleep, random, onRetry }: RetryOptions): Promise<T> {
  const failures = new Map<FailureCause, number>();
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const cause = causeOf(error);
      const count = (failures.get(cause) ?? 0) + 1;
      failures.set(cause, count);
      if (count >= TRIES[cause]) { throw error; }
      const wait = Math.max(backoff(attempt, random), Math.min(retryAfterOf(error), LONGEST_WAIT_MS));
      await onRetry(asError(error), cause, wait);
      await sleep(wait);
    }
  }
}

/** The part of a run that retries depend on. */
export interface RetryContext {
  /** Rejects when the signal is aborted before. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<unknown>;
  readonly random: () => number;
  readonly print: (line: string) => void;
  readonly logins: LoginRenewal;
  /** Aborted when the build's time is up: nothing is tried again then. */
  readonly stopped: AbortSignal;
}

/**
 * Tries again by the cause of the failure: more slowly when the registry is overloaded, with new
 * logins when they have expired.
 *
 * @param what how the log names the work
 * @param limiter the limiter to slow down when the registry throttles
 */
export function retrying<T>(what: string, context: RetryContext, limiter: Limiter, work: () => Promise<T>): Promise<T> {
  let { epoch } = limiter;
  let { renewals } = context.logins;
  const attempt = (): Promise<T> => {
    ({ epoch } = limiter);
    ({ renewals } = context.logins);
    return work();
  };
  const onRetry = async (error: Error, cause: FailureCause, wait: number): Promise<void> => {
    context.stopped.throwIfAborted();
    context.print(`retry    ${what} in ${(wait / 1000).toFixed(1)} s (${cause}): ${error.message}`);
    if (asksToSlowDown(cause)) { limiter.slowDown(epoch); }
    if (cause === 'expired' || cause === 'login') { await context.logins.renew(renewals); }
  };
  return withRetry(attempt, { sleep: ms => context.sleep(ms, context.stopped), random: context.random, onRetry });
}
