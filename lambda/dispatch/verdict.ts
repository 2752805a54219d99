import type { KnownBuilds } from './known-builds';
import type { PackageWork } from './received';

/** What to do about a package in which something is missing. */
export type Verdict =
  | 'start'
  /** A build does the work, or the last one failed a moment ago. */
  | 'wait'
  /** Reconciles have as many builds as ECR's quota can feed. */
  | 'wait for a turn'
  /** Builds succeeded, and it is still missing: ECR refuses it, as the builds' logs say. */
  | 'impossible';

/**
 * Builds of full reconciles that run or wait at the same time; one more where both functions decide at the same
 * moment. See
 * docs/adr/0007-a-full-reconcile-plans-at-once.md.
 */
export const RECONCILE_BUILDS = 2;

/**
 * Builds that have to succeed before what is still missing is called impossible: a push can be newer than the listing
 * that a build read.
 */
const SUCCESSES = { push: 2, reconcile: 1 };

/**
 * After the second failure in a row, a package waits this long for its next build, and then doubly, up to the
 * longest. Milliseconds.
 */
const FAILURE_PAUSE = { second: 4 * 60_000, longest: 2 * 3_600_000 };

/** @param now milliseconds since the epoch */
export function verdictOn(work: PackageWork, builds: KnownBuilds, now: number): Verdict {
  if (isUnderWay(work, builds)) { return 'wait'; }
  const sent = Math.max(-Infinity, ...work.messages.map(({ sentAt }) => sentAt));
  if (work.messages.length > 0 && builds.attempts(work.package, sent).succeeded >= SUCCESSES[work.purpose]) {
    return 'impossible';
  }
  const { failed, lastEnd } = builds.attempts(work.package, work.since);
  if (failed > 1 && now < lastEnd + failurePause(failed)) { return 'wait'; }
  return work.purpose === 'reconcile' && builds.reconciles >= RECONCILE_BUILDS ? 'wait for a turn' : 'start';
}

/** Whether a build that is under way does this work, so that nothing has to be planned. */
export function isUnderWay({ package: name, since }: PackageWork, builds: KnownBuilds): boolean {
  return builds.covers(name, since);
}

/** @param failed builds in a row, two at least */
function failurePause(failed: number): number {
  return Math.min(FAILURE_PAUSE.second * 2 ** (failed - 2), FAILURE_PAUSE.longest);
}
