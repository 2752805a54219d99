import { BUILD_START_VARIABLE } from '../../src/contract/environment';

/** The times by which a build has to end its parts. Milliseconds since the epoch. */
export interface Deadline {
  /** No copy is started from this time on. */
  readonly stopStarting: number;
  /** Copies that still run are ended at this time, so that there is time to report. */
  readonly stop: number;
}

/** A tenth of the time, but at least two minutes, is left for running copies to end. */
const LAST_COPIES = { share: 0.1, minimumMs: 120_000 };

/**
 * CodeBuild's timeout may count from before the first command: the machine has to come up, and the source is
 * downloaded. Users report 7 to 240 seconds (https://github.com/aws/aws-codebuild-docker-images/issues/424).
 */
const PROVISIONING = { share: 0.1, maximumMs: 240_000 };

/** The closing check and report. */
const REPORT_MS = 60_000;

/**
 * When the first command of the build ran, in milliseconds since the epoch; `now` outside of a
 * build. CODEBUILD_START_TIME would not do: it is before the time in CodeBuild's queue, which does
 * not count against the timeout.
 */
export function startOfBuild(environment: NodeJS.ProcessEnv, now: number): number {
  const seconds = Number(environment[BUILD_START_VARIABLE] ?? NaN);
  return seconds > 0 ? seconds * 1000 : now;
}

/** @param start when the first command of the build ran */
export function deadlineOf(start: number, timeoutMinutes: number): Deadline {
  const timeoutMs = timeoutMinutes * 60_000;
  const stop = start + timeoutMs - REPORT_MS - Math.min(PROVISIONING.share * timeoutMs, PROVISIONING.maximumMs);
  return { stopStarting: stop - Math.max(LAST_COPIES.share * timeoutMs, LAST_COPIES.minimumMs), stop };
}
