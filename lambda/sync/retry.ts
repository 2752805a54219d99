/** Why a copy failed, and whether another try can help. */
export type FailureCause = 'not-found-yet' | 'throttled' | 'network' | 'permanent';

/**
 * GHCR serves a manifest some seconds after it announced it, so "manifest unknown" right after a push is lag.
 * What skopeo and registries say is text; these are the words of the registries that we know.
 */
const CAUSES: readonly (readonly [RegExp, FailureCause])[] = [
  [/manifest unknown|MANIFEST_UNKNOWN/i, 'not-found-yet'],
  [/toomanyrequests|too many requests|\b429\b|throttl|rate exceeded/i, 'throttled'],
  [/unauthorized|denied|forbidden|authentication required|\b40[13]\b/i, 'permanent'],
  [/connection reset|connection refused|unexpected EOF|\bEOF\b|i\/o timeout|TLS handshake|no such host|temporary failure|broken pipe|\b50[0234]\b|internal server error|bad gateway|service unavailable|gateway timeout|digest did not match/i, 'network'],
];

export function causeOf(message: string): FailureCause {
  return CAUSES.find(([pattern]) => pattern.test(message))?.[1] ?? 'permanent';
}

export interface RetryOptions {
  /** @default 5 */
  readonly attempts?: number;
  readonly sleep: (ms: number) => Promise<unknown>;
  /** 0 to 1. */
  readonly random: () => number;
  readonly onRetry?: (error: Error, waitMs: number) => void;
}

/** Milliseconds before try number `attempt + 1`: 1 s doubled each time, up to 30 s, of which a random half is taken off. */
export function backoff(attempt: number, random: () => number): number {
  return Math.min(1_000 * 2 ** (attempt - 1), 30_000) * (0.5 + random() / 2);
}

/** Tries again while the cause of the failure is one that passes. */
export async function withRetry<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      if (attempt >= (options.attempts ?? 5) || causeOf(failure.message) === 'permanent') { throw failure; }
      const wait = backoff(attempt, options.random);
      options.onRetry?.(failure, wait);
      await options.sleep(wait);
    }
  }
}
