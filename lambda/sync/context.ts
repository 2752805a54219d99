import type { Deadline } from './build-deadline';
import type { CopyRun, ManifestStore } from './copy/run';
import type { PlannedPackage } from '../shared/inventory';
import type { TargetImages } from '../shared/plan';

/** The part of ECR that the sync reads and writes. */
export interface Target extends ManifestStore {
  /** Creates the repository if it isn't there, and returns its URI. Resolves after the login to ECR. */
  ensureRepository(repository: string, exists: boolean): Promise<string>;
  /** The repository's images and tags as they are now; undefined when there is no such repository. */
  list(repository: string): Promise<Pick<TargetImages, 'tags'> | undefined>;
}

/** The parts of a run that it makes for itself. */
type OwnParts =
  | 'blobConcurrency'
  | 'logins'
  | 'manifests'
  | 'mountSources'
  | 'processes'
  | 'severalPackages'
  | 'stopped';

/** What a sync is given: the registries, the clock and the limits of the build. */
export interface SyncDependencies extends Omit<CopyRun, OwnParts | 'target'> {
  readonly plan: (packageName: string) => Promise<PlannedPackage>;
  readonly target: Target;
  /** How many processes of skopeo run at the same time. */
  readonly concurrentProcesses: number;
  /** Logs in to both registries anew. */
  readonly renewLogins: () => Promise<void>;
  readonly deadline: Deadline;
  /** Print the plan and do nothing. */
  readonly dryRun: boolean;
  readonly now: () => number;
  /** Number of requests so far, by registry or API. */
  readonly requests: () => Readonly<Record<string, number>>;
}

/** A sync under way. */
export interface SyncRun extends SyncDependencies, Pick<CopyRun, OwnParts> {}
