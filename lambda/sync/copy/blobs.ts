import { messageOf } from '../../shared/errors';
import type { Descriptor } from '../registry/manifest';
import type { SourceRegistry } from '../registry/source';
import { MOUNTED, TargetBlobs } from '../registry/target';
import { verifiedBytes } from '../registry/verified-stream';
import { causeOf } from '../resilience/causes';

/** One blob that has to get from one repository into another. */
export interface BlobJob {
  readonly blob: Descriptor;
  /** Repository of the source registry. */
  readonly from: string;
  /** Repository of the target registry. */
  readonly to: string;
  /** False when the repository can't have the blob: then it is not asked. */
  readonly mayBePresent: boolean;
  /** Another repository of the target registry that has the blob. */
  readonly mountFrom?: string;
}

/** Moves blobs between registries. */
export interface BlobMover {
  /** @returns number of bytes sent; 0 when the target had the blob or could mount it */
  move(job: BlobJob, signal: AbortSignal): Promise<number>;
}

/**
 * @param print gets a line for each download that broke off and was resumed, and for each
 * blob that could not be mounted
 */
export function blobMover(
  source: Pick<SourceRegistry, 'blob' | 'hasBlob'>,
  target: TargetBlobs,
  print: (line: string) => void,
): BlobMover {
  return {
    async move({ blob, from, to, mayBePresent, mountFrom }, signal) {
      const { digest } = blob;
      if (mayBePresent && await target.has(to, digest, signal)) { return 0; }
      const open = (offset: number): ReturnType<SourceRegistry['blob']> => source.blob(from, blob, offset, signal);
      // A manifest may name a layer of another package, which its own package lacks. The owner of that package decides
      // who pulls it, so it is mounted only after GHCR has said that this package has it, too.
      const mountable = mountFrom !== undefined && await source.hasBlob(from, digest, signal);
      const mounted = mountable ? await mount(target, { digest, to, mountFrom }, print, signal) : undefined;
      if (mounted === MOUNTED) { return 0; }
      const [upload, first] = await both(mounted ?? target.start(to, signal), open(0));
      const bytes = verifiedBytes(blob, first, open, (offset, error) => {
        print(`resume   ${to} ${digest} from byte ${offset}: ${error.message}`);
      });
      await target.upload(to, blob, upload, bytes, signal);
      return blob.size;
    },
  };
}

/**
 * Mounts the blob from another repository. An account that has no blob mounting answers with the address of an upload.
 */
async function mount(
  target: TargetBlobs,
  { digest, to, mountFrom }: { readonly digest: string; readonly to: string; readonly mountFrom: string },
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<URL | typeof MOUNTED | undefined> {
  try {
    return await target.mount(to, digest, mountFrom, signal);
  } catch (error) {
    if (!['denied', 'login'].includes(causeOf(error))) { throw error; }
    print(`sent     ${to} ${digest}: ${mountFrom} has it, but it may not be mounted: ${messageOf(error)}`);
    return undefined;
  }
}

/** Runs two requests side by side. If the first fails, the stream of the second is destroyed. */
async function both<A, B extends { destroy(): unknown }>(one: A | Promise<A>, other: Promise<B>): Promise<[A, B]> {
  const [first, second] = await Promise.allSettled([one, other]);
  if (first.status === 'fulfilled' && second.status === 'fulfilled') { return [first.value, second.value]; }
  if (second.status === 'fulfilled') { second.value.destroy(); }
  throw first.status === 'rejected' ? first.reason : (second as PromiseRejectedResult).reason;
}
