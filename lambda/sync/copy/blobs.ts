import type { Content } from '../registry/manifest';
import type { SourceRegistry } from '../registry/source';
import { MOUNTED, TargetBlobs } from '../registry/target';
import { verified } from '../registry/verified-stream';
import { causeOf } from '../resilience/failure';

/** One blob on its way. */
export interface BlobJob {
  readonly content: Content;
  /** Repository of the source. */
  readonly from: string;
  /** Repository of the target. */
  readonly to: string;
  /** Whether the target may have the blob already. */
  readonly mayBeThere: boolean;
  /** Another repository of the target that has the blob. */
  readonly mountFrom?: string;
}

/** Moves blobs between registries. */
export interface BlobMover {
  /** @returns bytes that were sent; 0 when the target has the blob, or has it by now without them */
  move(job: BlobJob, signal: AbortSignal): Promise<number>;
}

/** @param print told of downloads that broke off and went on */
export function blobMover(source: Pick<SourceRegistry, 'blob'>, target: TargetBlobs, print: (line: string) => void): BlobMover {
  return {
    async move({ content, from, to, mayBeThere, mountFrom }, signal) {
      const { digest } = content;
      if (mayBeThere && await target.has(to, digest, signal)) { return 0; }
      const open = (offset: number): ReturnType<SourceRegistry['blob']> => source.blob(from, content, offset, signal);
      const mounted = mountFrom === undefined ? undefined : await mount(target, { digest, to, mountFrom }, print, signal);
      if (mounted === MOUNTED) { return 0; }
      const [upload, first] = await both(mounted ?? target.start(to, signal), open(0));
      const bytes = verified(content, first, open, (offset, error) => {
        print(`resume   ${to} ${digest} from byte ${offset}: ${error.message}`);
      });
      await target.upload(to, content, upload, bytes, signal);
      return content.size;
    },
  };
}

/** Asks for what another repository has. An account that mounts nothing answers with the start of an upload. */
async function mount(
  target: TargetBlobs,
  { digest, to, mountFrom }: { readonly digest: string; readonly to: string; readonly mountFrom: string },
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<URL | typeof MOUNTED | undefined> {
  try {
    return await target.mount(to, digest, mountFrom, signal);
  } catch (error) {
    if (!['denied', 'login'].includes(causeOf(String(error)))) { throw error; }
    print(`sent     ${to} ${digest}: ${mountFrom} has it, but it may not be mounted: ${String(error)}`);
    return undefined;
  }
}

/** Two requests side by side; when one fails, the other's answer is not left open. */
async function both<A, B extends { destroy(): unknown }>(one: A | Promise<A>, other: Promise<B>): Promise<[A, B]> {
  const [first, second] = await Promise.allSettled([one, other]);
  if (first.status === 'fulfilled' && second.status === 'fulfilled') { return [first.value, second.value]; }
  if (second.status === 'fulfilled') { second.value.destroy(); }
  throw first.status === 'rejected' ? first.reason : (second as PromiseRejectedResult).reason;
}
