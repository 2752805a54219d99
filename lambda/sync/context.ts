import type { Deadline } from './build-deadline';
import type { BlobMover } from './copy/blobs';
import type { SourceManifest, SourceRegistry } from './registry/source';
import type { AdaptiveLimit, RateLimit } from './resilience/pace';
import type { Logins } from './resilience/retrying';
import type { ImageCopier } from './skopeo/skopeo';
import type { PlannedPackage } from '../shared/inventory';
import type { TargetImages } from '../shared/plan';

/** The part of ECR that the sync writes to. */
export interface Target {
  /** URI of the repository, created when it isn't there. Before it comes, the logins are there. */
  ensureRepository(repository: string, exists: boolean): Promise<string>;
  /**
   * The manifest of an image that the repository has.
   *
   * @throws ImageMissing
   */
  manifest(repository: string, digest: string): Promise<SourceManifest>;
  /** Puts a manifest whose blobs and children the repository has; without a tag, by its digest alone. */
  put(repository: string, manifest: SourceManifest, digest: string, tag?: string): Promise<void>;
  /** What these tags of the repository point to now; undefined when there is no such repository. */
  list(repository: string, tags: readonly string[]): Promise<Pick<TargetImages, 'tags'> | undefined>;
}

/** What a sync works with. */
export interface SyncDependencies {
  readonly organization: string;
  /** `ghcr.io` */
  readonly registryHost: string;
  readonly plan: (packageName: string) => Promise<PlannedPackage>;
  readonly target: Target;
  readonly source: SourceRegistry;
  readonly blobs: BlobMover;
  /** For what can't be moved blob by blob. */
  readonly copier: ImageCopier;
  /** Logs in to both registries anew. */
  readonly login: () => Promise<void>;
  /** Paces PutImage. */
  readonly putImages: RateLimit;
  readonly deadline: Deadline;
  /** Print the plan and do nothing. */
  readonly dryRun: boolean;
  readonly print: (line: string) => void;
  /** Rejects when the signal is aborted before. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<unknown>;
  readonly random: () => number;
  readonly now: () => number;
  /** Requests so far, by registry or API. */
  readonly requests: () => Readonly<Record<string, number>>;
}

/** A sync under way. */
export interface SyncRun extends SyncDependencies {
  /** How many blobs are moved. */
  readonly copies: AdaptiveLimit;
  readonly logins: Logins;
  /** A repository for each blob that has been there in this run. */
  readonly blobHomes: Map<string, string>;
  /** Aborted when the build's time is up. */
  readonly stopped: AbortSignal;
}
