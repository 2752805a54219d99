import type { ManifestCopier, Place } from './copy-manifests';
import { retrying } from './retry';
import type { SyncRun } from './run';
import type { Action } from '../../src/domain/plan';
import { ImageMissing } from '../shared/ecr';

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
    const missing = await point(job, tags, run, isMissing);
    if (!missing) { return { kind: 'tagged', bytes: 0 }; }
    manifests.distrustInventory();
  }
  const [first, ...others] = tags;
  const { bytes } = await manifests.copy(digest, first);
  if (others.length > 0) { await point(job, others, run); }
  return { kind: 'copied', bytes };
}

/** @returns whether an error came that the caller handles itself */
function point(
  { repository, action: { digest } }: ImageJob, tags: readonly string[], run: SyncRun, handled: (error: unknown) => boolean = () => false,
): Promise<boolean> {
  return retrying(`${repository}:${tags.join(',')} ${digest}`, run, async () => {
    try {
      await run.target.tag(repository, digest, tags);
      return false;
    } catch (error) {
      if (handled(error)) { return true; }
      throw error;
    }
  });
}

function isMissing(error: unknown): boolean {
  return error instanceof ImageMissing;
}
