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
