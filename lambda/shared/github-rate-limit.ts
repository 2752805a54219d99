import type { RequestError } from '@octokit/request-error';

/**
 * Whether GitHub refuses a request because a rate limit is used up, primary or secondary. It answers both 403 and 429.
 *
 * @see https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
 */
export function isRateLimit(error: RequestError): boolean {
  if (error.status === 429) { return true; }
  return error.status === 403 && (error.response?.headers['x-ratelimit-remaining'] === '0' || /rate limit/i.test(error.message));
}

/** GitHub asks for a minute where it names no time. */
const UNNAMED_MS = 60_000;

/**
 * When GitHub accepts requests again, milliseconds since the epoch.
 *
 * @param now milliseconds since the epoch
 */
export function rateLimitReset(error: RequestError, now: number): number {
  const headers = error.response?.headers ?? {};
  const retryAfter = Number(headers['retry-after'] ?? NaN);
  if (Number.isFinite(retryAfter)) { return now + retryAfter * 1000; }
  const reset = Number(headers['x-ratelimit-reset'] ?? NaN) * 1000;
  return headers['x-ratelimit-remaining'] === '0' && Number.isFinite(reset) ? Math.max(now, reset) : now + UNNAMED_MS;
}
