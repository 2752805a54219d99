import type { FetchedManifest } from './engine';
import { orElse } from './fallback';
import { CopyTarget, sourceImage } from './manifest-writer';
import type { CopyRun } from './run';
import { CopyEngine } from '../../../src/contract/copy-engine';
import { sourceRepository } from '../../../src/image-name';
import { DigestMismatch } from '../registry/errors';
import { parseManifest } from '../registry/manifest';
import type { SourceManifest } from '../registry/source';
import { digestOf } from '../registry/verified-stream';
import { retrying } from '../resilience/retry';

/** Reads a manifest from the source registry; `skopeo inspect` stands behind our own request. */
export async function fetchManifest(
  run: CopyRun, target: CopyTarget, digest: string, tag: string | undefined,
): Promise<FetchedManifest> {
  const name = `${target.repository}@${digest}`;
  const repository = sourceRepository(run.organization, target.package);
  const source = await orElse<SourceManifest>(
    run, name,
    () => retrying(name, run, run.blobConcurrency, () => run.source.manifest(repository, digest, run.stopped)),
    { name: CopyEngine.SKOPEO, work: () => inspected(run, sourceImage(run, target, digest), digest) });
  return { digest, source, parsed: parseManifest(source.bytes, source.contentType), tag };
}

async function inspected(run: CopyRun, image: string, digest: string): Promise<SourceManifest> {
  const bytes = await run.processes.run(() => run.skopeo.inspect(image, run.stopped));
  const received = digestOf(bytes, digest);
  if (received !== digest) {
    throw new DigestMismatch(`skopeo read ${received} for ${image}: does not match expected digest`);
  }
  return { bytes, contentType: '' };
}
