/** Why a step of a copy failed. */
export type FailureCause = 'lag' | 'throttled' | 'network' | 'expired' | 'login' | 'denied' | 'conflict' | 'missing' | 'unsupported' | 'unknown';

/** A status code, and not a part of a tag, a digest or an address: skopeo names the tag that it pushes (`uploading manifest 1.403.0 to ...`). */
const status = (codes: string): string => `(?<![\\w.:@/-])(?:${codes})(?![\\w-]|\\.\\w)`;

/** Any of these words, in whatever case and across line breaks. */
const words = (...patterns: string[]): RegExp => new RegExp(patterns.join('|'), 'is');

/**
 * What skopeo and registries say is text; these are the words of the registries and tools that we know, most telling first.
 * GHCR serves a manifest some seconds after it announced it, so "manifest unknown" is lag until it lasts.
 */
const CAUSES: readonly (readonly [RegExp, FailureCause])[] = [
  [words('authorization token has expired', 'token.{0,40}expired', 'ExpiredToken'), 'expired'],
  [words('already exists.{0,80}immutable', 'cannot be overwritten because the (repository|tag) is immutable', 'ImageTagAlreadyExists'), 'conflict'],
  [words('required for pushing image'), 'missing'],
  [words('manifest unknown', 'MANIFEST_UNKNOWN', 'blob unknown', 'BLOB_UNKNOWN', 'name unknown', 'NAME_UNKNOWN'), 'lag'],
  [words('toomanyrequests', 'too many requests', status('429'), 'throttl', 'rate exceeded'), 'throttled'],
  // The answer to HEAD has no body that could say why, and a bearer token that ends in mid-copy looks like none: a new login tells.
  [words('failed to read from destination repository.{0,200}\\b403\\b', 'answered 403 to .{0,300} without a reason', 'unauthorized', 'authentication required', status('401')), 'login'],
  [words('denied', 'forbidden', 'not authorized', status('403')), 'denied'],
  [words('unsupported', status('405|415'), 'method not allowed', 'manifest invalid', 'MANIFEST_INVALID', 'must be converted', 'parameter at .?ImageManifest'), 'unsupported'],
  [
    words(
      'connection (reset|refused|closed|failed)', 'closed network connection', 'ECONN', 'EPIPE', 'EAI_AGAIN', 'ETIMEDOUT', 'socket', 'fetch failed', '\\bEOF\\b',
      'timeout', 'timed out', 'deadline exceeded', 'stream error', 'GOAWAY', 'no such host', 'network is unreachable', 'no route to host', 'temporary failure',
      'broken pipe', status('50[0234]'), 'internal server error', 'bad gateway', 'service unavailable', 'digest did not match',
      'does not match expected digest', 'size mismatch', 'BLOB_UPLOAD_UNKNOWN', 'knows no ranges',
    ),
    'network',
  ],
];

const OVERLOADED = words(status('50[0234]'), 'internal server error', 'bad gateway', 'service unavailable', 'gateway time-?out');

/** How many tries each cause is worth. */
const TRIES: Readonly<Record<FailureCause, number>> = {
  lag: 6, throttled: 8, network: 5, expired: 2, login: 2, unknown: 2, denied: 1, conflict: 1, missing: 1, unsupported: 1,
};

const DENIED = 'The packages token may not pull this package, or the project\'s role may not push to this repository: the message says which registry refused.';

const FIXES: Readonly<Record<FailureCause, string>> = {
  lag: 'GHCR does not serve this manifest: it was deleted, or GHCR lags behind. The next run tries again.',
  throttled: 'The registry asks to slow down. The next run tries again; if this lasts, lower `putImageRate` or raise the quota.',
  network: 'The connection failed again and again. The next run tries again.',
  expired: 'The registry\'s login expired twice. The next run logs in anew.',
  login: DENIED,
  denied: DENIED,
  conflict: 'The repository lets no tag be moved. Delete the tag in ECR, or make the repository mutable.',
  missing: 'ECR has lost blobs or manifests that it had a moment ago: a lifecycle policy may be at work. The next run copies them again.',
  unsupported: 'ECR does not accept this kind of manifest.',
  unknown: 'The next run tries again.',
};

export function causeOf(message: string): FailureCause {
  return CAUSES.find(([pattern]) => pattern.test(message))?.[1] ?? 'unknown';
}

/** A registry is overloaded: it says so, or it fails itself. Its slowness to reach is no such sign. */
export function asksToSlowDown(message: string): boolean {
  return causeOf(message) === 'throttled' || OVERLOADED.test(message);
}

/** What a person can do about it. */
export function fixOf(cause: FailureCause): string {
  return FIXES[cause];
}

export interface RetryOptions {
  readonly sleep: (ms: number) => Promise<unknown>;
  /** 0 to 1. */
  readonly random: () => number;
  /** Called before each further try. */
  readonly onRetry: (error: Error, cause: FailureCause, waitMs: number) => Promise<void> | void;
}

/** A failure whose answer had a `retry-after`. */
export class RetryLater extends Error {
  public override readonly name = 'RetryLater';
  constructor(message: string, public readonly waitMs: number) {
    super(message);
  }
}

/** A registry that asks for more than this is left to the next run's tries. */
const LONGEST_WAIT_MS = 300_000;

function askedWait(failure: Error): number {
  return failure instanceof RetryLater ? Math.min(failure.waitMs, LONGEST_WAIT_MS) : 0;
}

/** Milliseconds before try number `attempt + 1`: 1 s doubled each time, up to 30 s, of which a random half is taken off. */
export function backoff(attempt: number, random: () => number): number {
  return Math.min(1_000 * 2 ** (attempt - 1), 30_000) * (0.5 + random() / 2);
}

/** Tries again as often as the cause of the failure is worth; each cause has its own count. */
export async function withRetry<T>(work: () => Promise<T>, { sleep, random, onRetry }: RetryOptions): Promise<T> {
  const failures = new Map<FailureCause, number>();
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      const cause = causeOf(failure.message);
      const count = (failures.get(cause) ?? 0) + 1;
      failures.set(cause, count);
      if (count >= TRIES[cause]) { throw failure; }
      const wait = Math.max(backoff(attempt, random), askedWait(failure));
      await onRetry(failure, cause, wait);
      await sleep(wait);
    }
  }
}
