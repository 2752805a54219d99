import { asksToSlowDown, FailureCause, withRetry } from './failure';
import type { Adaptive } from './pace';
import type { SyncRun } from './run';
import type { SourceManifest } from './source-registry';

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

/** One PutImage, at the pace that ECR takes. Without a tag, the manifest is there by its digest alone. */
export function putManifest(run: SyncRun, repository: string, manifest: SourceManifest, digest: string, tag?: string): Promise<void> {
  return retrying(`${repository}${tag === undefined ? '' : `:${tag}`} ${digest}`, run, async () => {
    await run.putImages.take();
    await run.target.put(repository, manifest, digest, tag);
  }, run.putImages);
}

/**
 * Points tags to an image that the repository has. No bytes move.
 *
 * @throws ImageMissing
 */
export async function tagImage(run: SyncRun, repository: string, digest: string, tags: readonly string[]): Promise<void> {
  const manifest = await run.target.manifest(repository, digest);
  const settled = await Promise.allSettled(tags.map(tag => putManifest(run, repository, manifest, digest, tag)));
  settled.forEach(result => { if (result.status === 'rejected') { throw result.reason; } });
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
