import type { CopyTarget } from './manifest-writer';
import type { ManifestCopier } from './manifests';
import { tagImage } from './put';
import type { CopyRun } from './run';
import { ImageMissing } from '../../shared/ecr';
import type { Action } from '../../shared/plan';

/** One image that has to get into one repository. */
export interface ImageJob extends CopyTarget {
  readonly action: Action;
  readonly manifests: ManifestCopier;
}

/** How a job ended. */
export interface ImageResult {
  readonly kind: 'copied' | 'tagged';
  readonly bytes: number;
}

/**
 * Copies the image and points its tags to it. Bytes move once, with the first tag; the other tags are put as pointers.
 */
export async function copyImage(job: ImageJob, run: CopyRun): Promise<ImageResult> {
  const { action: { kind, digest, tags }, manifests } = job;
  if (kind === 'tag') {
    try {
      await tagImage(run, job.repository, digest, tags);
      return { kind: 'tagged', bytes: 0 };
    } catch (error) {
      if (!(error instanceof ImageMissing)) { throw error; }
      manifests.distrustInventory();
    }
  }
  const [first, ...others] = tags;
  const { bytes } = await manifests.copy(digest, first);
  if (others.length > 0) { await tagImage(run, job.repository, digest, others); }
  return { kind: 'copied', bytes };
}
