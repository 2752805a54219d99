import { asksToSlowDown, FailureCause, withRetry } from './failure';
import type { Adaptive } from './pace';
import type { SyncRun } from '../context';

/**
 * Tries again by the cause of the failure: slower where a registry asks for it, with new logins where they have expired.
 *
 * @param limit what gives way
 */
export function retrying<T>(what: string, run: SyncRun, work: () => Promise<T>, limit: Adaptive = run.copies): Promise<T> {
  let { round } = limit;
  let logins = run.logins.count;
  const attempt = (): Promise<T> => {
    ({ round } = limit);
    logins = run.logins.count;
    return work();
  };
  const onRetry = async (error: Error, cause: FailureCause, wait: number): Promise<void> => {
    run.stopped.throwIfAborted();
    run.print(`retry    ${what} in ${(wait / 1000).toFixed(1)} s (${cause}): ${error.message}`);
    if (asksToSlowDown(error.message)) { limit.slowDown(round); }
    if (cause === 'expired' || cause === 'login') { await run.logins.renew(logins); }
  };
  return withRetry(attempt, { sleep: ms => run.sleep(ms, run.stopped), random: run.random, onRetry });
}

/** Logs in anew, once for all who found the same login expired. */
export class Logins {
  /** How many logins there were. */
  public count = 0;
  private renewing: Promise<void> | undefined;

  constructor(private readonly login: () => Promise<void>) {}

  /** @param found how many there had been when the caller's attempt began */
  public renew(found: number): Promise<void> {
    if (found < this.count) { return Promise.resolve(); }
    this.renewing ??= this.login().then(() => { this.count++; }).finally(() => { this.renewing = undefined; });
    return this.renewing;
  }
}
