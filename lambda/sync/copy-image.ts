import { withRetry } from './failure';
import { parseManifest } from './manifest';
import type { SyncRun } from './run';
import type { SourceManifest } from './source-registry';
import { sourceRepository } from '../../src/domain/image-name';
import type { Action } from '../../src/domain/plan';

/** One image on its way into one repository. */
export interface ImageJob {
  readonly package: string;
  readonly repository: string;
  /** URI of the repository: `HOST/my-org/app`. */
  readonly uri: string;
  readonly action: Action;
}

/** What a finished job tells the report. */
export interface CopyResult {
  /** Bytes of the manifests' blobs, as far as the top manifest tells; those that ECR had already count too. */
  readonly bytes: number;
}

/** Brings the image there and points its tags to it. Bytes move once, with the first tag; the others are pointers. */
export async function copyImage(job: ImageJob, run: SyncRun): Promise<CopyResult> {
  const { action, repository } = job;
  if (action.kind === 'tag') {
    await run.target.tag(repository, action.digest, action.tags);
    return { bytes: 0 };
  }
  const [first, ...others] = action.tags;
  const source = await retrying(job, run, () => run.source.manifest(sourceRepository(run.organization, job.package), action.digest));
  const shape = parseManifest(source.bytes, source.contentType);
  // ECR counts each manifest of an index as a PutImage.
  await run.putImages.take(1 + shape.children.length);
  if (shape.opaqueIndex) {
    await copyOpaqueIndex(job, source, shape.children, run);
    await run.target.tag(repository, action.digest, others);
  } else {
    await skopeo(job, action.digest, `:${first}`, run);
    if (others.length > 0) { await run.target.tag(repository, action.digest, others); }
  }
  return { bytes: shape.bytes };
}

/**
 * skopeo refuses to keep an index whose entries have no platform: "Manifest list must be converted". Its children copy well,
 * and the bytes of the index can then be put as they are.
 */
async function copyOpaqueIndex(job: ImageJob, source: SourceManifest, children: readonly string[], run: SyncRun): Promise<void> {
  for (const child of children) { await skopeo(job, child, `@${child}`, run); }
  await run.target.put(job.repository, source, job.action.digest, job.action.tags[0]);
}

function skopeo(job: ImageJob, digest: string, reference: string, run: SyncRun): Promise<void> {
  const source = `${run.registryHost}/${sourceRepository(run.organization, job.package)}@${digest}`;
  return retrying(job, run, () => run.copier.copy(source, `${job.uri}${reference}`, run.stopped));
}

/** Tries again by the cause of the failure: slower where a registry throttles, with new logins where they have expired. */
function retrying<T>({ repository, action }: ImageJob, run: SyncRun, work: () => Promise<T>): Promise<T> {
  return withRetry(work, {
    sleep: run.sleep,
    random: run.random,
    onRetry: async (error, cause, wait) => {
      run.stopped.throwIfAborted();
      run.print(`retry    ${repository}:${action.tags[0]} ${action.digest} in ${(wait / 1000).toFixed(1)} s (${cause}): ${error.message}`);
      if (cause === 'throttled') { run.copies.slowDown(); }
      if (cause === 'expired') { await run.login(); }
    },
  });
}
