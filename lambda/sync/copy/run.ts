import type { BlobMover } from './blobs';
import type { SourceManifest, SourceRegistry } from '../registry/source';
import type { AimdLimit } from '../resilience/aimd-limit';
import type { RetryContext } from '../resilience/retry';
import type { TokenBucket } from '../resilience/token-bucket';
import type { ImageCopier } from '../skopeo/skopeo';

/** The part of ECR that a copy reads and writes manifests with. */
export interface ManifestStore {
  /**
   * The manifest of an image that the repository has.
   *
   * @throws ImageMissing
   */
  manifest(repository: string, digest: string): Promise<SourceManifest>;
  /** Puts a manifest whose blobs and children the repository has; without a tag, by its digest alone. */
  put(repository: string, manifest: SourceManifest, digest: string, tag?: string): Promise<void>;
}

/** The part of a run that copies depend on. */
export interface CopyRun extends RetryContext {
  readonly organization: string;
  /** `ghcr.io` */
  readonly registryHost: string;
  readonly source: SourceRegistry;
  readonly target: ManifestStore;
  readonly blobs: BlobMover;
  /** Copies images that can't be moved blob by blob. */
  readonly copier: ImageCopier;
  /** Paces PutImage. */
  readonly putImages: TokenBucket;
  /** Limits how many blobs are moved at the same time. */
  readonly blobConcurrency: AimdLimit;
  /** ECR repository for each blob that this run has seen there, so that other repositories can mount it. */
  readonly mountSources: Map<string, string>;
}
