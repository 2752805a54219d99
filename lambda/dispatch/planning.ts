import pLimit from 'p-limit';
import type { PackageWork } from './received';
import { asError } from '../shared/errors';
import type { GitHubBudget } from '../shared/github-budget';
import { GitHubRateLimited } from '../shared/github-errors';
import type { PlannedPackage } from '../shared/inventory';

/** Packages whose inventories are read at the same time: as many as Octokit sends requests at a time. */
const CONCURRENT_PACKAGES = 10;

/**
 * How long the inventories of one package may take. A thousand pages fit; a server that hangs must not stop the other
 * packages.
 */
const PACKAGE_MS = 45_000;

/** How the planning of a package ended. */
export type PlanningResult =
  | { readonly kind: 'planned'; readonly planned: PlannedPackage }
  | { readonly kind: 'failed'; readonly error: Error }
  /** GitHub's budget or the time here is used up. `until` is in milliseconds since the epoch. */
  | { readonly kind: 'postponed'; readonly until: number };

export interface PlanningDependencies {
  /** Plans what the announced digests need; without any, the whole package. */
  readonly planPackage: (
    packageName: string,
    announced: readonly string[],
    signal: AbortSignal,
  ) => Promise<PlannedPackage>;
  readonly budget: Pick<GitHubBudget, 'waitFor' | 'pause' | 'isKnown'>;
  /** Resolves early when the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<unknown>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Plans packages, some at a time, each for a bounded time.
 *
 * @param beginBy no package is begun after this time, milliseconds since the epoch
 * @param done called for each package when its planning has ended
 */
export async function planAll(
  works: readonly PackageWork[],
  beginBy: number,
  dependencies: PlanningDependencies,
  done: (work: PackageWork, result: PlanningResult) => void,
): Promise<void> {
  const limit = pLimit(CONCURRENT_PACKAGES);
  await Promise.all(works.map(work => limit(async () => {
    const until = dependencies.budget.waitFor(work.purpose)
      ?? (dependencies.now() >= beginBy ? dependencies.now() : undefined);
    done(work, until === undefined ? await planOne(work, dependencies) : { kind: 'postponed', until });
  })));
}

async function planOne(work: PackageWork, dependencies: PlanningDependencies): Promise<PlanningResult> {
  try {
    const late = 'GitHub and ECR did not give the package\'s inventories';
    const planned = await within(PACKAGE_MS, dependencies, late, signal => dependencies.planPackage(
      work.package,
      work.announced,
      signal,
    ));
    return { kind: 'planned', planned };
  } catch (error) {
    if (!(error instanceof GitHubRateLimited)) { return { kind: 'failed', error: asError(error) }; }
    dependencies.budget.pause(error.resetAt);
    return { kind: 'postponed', until: error.resetAt };
  }
}

/**
 * Fails when the work takes longer.
 *
 * @param failure what did not happen then
 */
export async function within<T>(
  ms: number,
  { sleep }: Pick<PlanningDependencies, 'sleep'>,
  failure: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ended = new AbortController();
  const late = sleep(ms, ended.signal).then(() => {
    throw new Error(`${failure} within ${ms / 1000} s: will try again.`);
  });
  // After the work has ended, nobody waits for this any more.
  late.catch(() => undefined);
  try {
    return await Promise.race([work(ended.signal), late]);
  } finally {
    ended.abort();
  }
}
