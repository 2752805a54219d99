/** The times by which a build has to end its parts. */
export interface Deadline {
  /** No copy is started from this time on. Milliseconds since the epoch. */
  readonly stopStarting: number;
  /** Copies that still run are ended at this time, so that there is time to report. */
  readonly stop: number;
}

/** A tenth of the time, but at least two minutes, is left for running copies to end. */
const LAST_COPIES = { share: 0.1, minimumMs: 120_000 };

/** The closing check and report. */
const REPORT_MS = 60_000;

/** @param start when the build started: provisioning and the install phase count */
export function deadlineOf(start: number, timeoutMinutes: number): Deadline {
  const timeoutMs = timeoutMinutes * 60_000;
  return {
    stopStarting: start + timeoutMs - REPORT_MS - Math.max(LAST_COPIES.share * timeoutMs, LAST_COPIES.minimumMs),
    stop: start + timeoutMs - REPORT_MS,
  };
}
