import type { ManifestCopier, Place } from './manifests';
import { tagImage } from './put';
import { ImageMissing } from '../../shared/ecr';
import type { Action } from '../../shared/plan';
import type { SyncRun } from '../context';

/** One image on its way into one repository. */
export interface ImageJob extends Place {
  readonly action: Action;
  readonly manifests: ManifestCopier;
}

/** What a finished job tells the report. */
export interface ImageResult {
  readonly kind: 'copied' | 'tagged';
  readonly bytes: number;
}

/** Brings the image there and points its tags to it. Bytes move once, with the first tag; the others are pointers. */
export async function copyImage(job: ImageJob, run: SyncRun): Promise<ImageResult> {
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
