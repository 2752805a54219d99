import type { BlobMover } from './blobs';
import type { CopyEngine } from '../../../src/contract/copy-engine';
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
  readonly skopeo: ImageCopier;
  /** The engine to copy with: the chosen one, or the direct one when skopeo is not there. */
  readonly engine: () => Promise<CopyEngine>;
  /** Paces PutImage. */
  readonly putImages: TokenBucket;
  /** Limits how many blobs are moved at the same time. */
  readonly blobConcurrency: AimdLimit;
  /** Limits how many processes of skopeo run at the same time. */
  readonly processes: AimdLimit;
  /**
   * Runs work on one manifest, of a limited number at the same time. The limit bounds the memory that manifests take
   * (up to 4 MB each) and the connections that are open.
   */
  readonly manifests: <T>(work: () => Promise<T>) => Promise<T>;
  /** ECR repository for each blob that this run has seen there, so that other repositories can mount it. */
  readonly mountSources: Map<string, string>;
  /** Whether the run has more than one package: then blobs of one can be mounted into another's repository. */
  readonly severalPackages: boolean;
}
