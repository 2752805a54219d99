import type { CopyRun } from './run';
import { settleAll } from '../../shared/settle-all';
import type { SourceManifest } from '../registry/source';
import { retrying } from '../resilience/retry';

/** One PutImage, at the pace that ECR takes. Without a tag, the manifest is there by its digest alone. */
export function putManifest(
  run: CopyRun, repository: string, manifest: SourceManifest, digest: string, tag?: string,
): Promise<void> {
  return retrying(`${repository}${tag === undefined ? '' : `:${tag}`} ${digest}`, run, run.putImages, async () => {
    await run.putImages.take();
    run.stopped.throwIfAborted();
    await run.target.put(repository, manifest, digest, tag);
  });
}

/**
 * Points tags to an image that the repository has. No bytes move.
 *
 * @throws ImageMissing
 */
export async function tagImage(
  run: CopyRun,
  repository: string,
  digest: string,
  tags: readonly string[],
): Promise<void> {
  const manifest = await run.target.manifest(repository, digest);
  await settleAll(tags.map(tag => putManifest(run, repository, manifest, digest, tag)));
}
