import type { FetchedManifest } from './engine';
import { orElse } from './fallback';
import { putManifest } from './put';
import type { CopyRun } from './run';
import { CopyEngine } from '../../../src/contract/copy-engine';
import { sourceRepository } from '../../../src/image-name';
import { retrying } from '../resilience/retry';

/** The ECR repository that a package is copied into. */
export interface CopyTarget {
  readonly package: string;
  /** Name of the ECR repository. */
  readonly repository: string;
  /** URI of the repository: `HOST/my-org/app`. */
  readonly uri: string;
}

/** Puts manifests and indexes whose blobs and children the repository has. */
export class ManifestWriter {
  constructor(private readonly run: CopyRun, private readonly target: CopyTarget) {}

  /** By PutImage; skopeo stands behind it. */
  public async put(manifest: FetchedManifest): Promise<void> {
    const { run, target: { repository } } = this;
    const { digest, source, parsed, tag } = manifest;
    await orElse(
      run, `${repository}@${digest}`,
      () => putManifest(run, repository, { ...source, contentType: parsed.mediaType }, digest, tag),
      { name: CopyEngine.SKOPEO, work: () => this.bySkopeo(manifest) });
    // Only now: ECR mounts a blob from a repository when a manifest there refers to it.
    parsed.blobs.forEach(blob => run.mountSources.set(blob.digest, repository));
  }

  private bySkopeo({ digest, tag, parsed }: FetchedManifest): Promise<void> {
    const { run, target } = this;
    const to = `${target.uri}${tag === undefined ? `@${digest}` : `:${tag}`}`;
    return retrying(`${target.repository}@${digest}`, run, run.processes, () => run.processes.run(async () => {
      await run.putImages.take();
      await run.skopeo.copy(sourceImage(run, target, digest), to, {
        all: parsed.children !== undefined,
        signal: run.stopped,
      });
    }));
  }
}

/** `ghcr.io/my-org/app@sha256:...` */
export function sourceImage({ registryHost, organization }: CopyRun, target: CopyTarget, digest: string): string {
  return `${registryHost}/${sourceRepository(organization, target.package)}@${digest}`;
}
