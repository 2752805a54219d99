import { RequestError } from '@octokit/request-error';
import { isRateLimit } from '../../../lambda/shared/github-rate-limit';

function refusal(status: number, headers: Record<string, string>, message = 'refused'): RequestError {
  const request = { method: 'GET', url: 'https://api.github.com/orgs/my-org/packages', headers: {} } as const;
  return new RequestError(message, status, { request, response: { status, headers, url: request.url, data: {} } });
}

test.each<[string, RequestError, boolean]>([
  ['the primary limit', refusal(403, { 'x-ratelimit-remaining': '0' }), true],
  ['the secondary limit, which leaves requests',
    refusal(403, { 'x-ratelimit-remaining': '90' }, 'You have exceeded a secondary rate limit.'), true],
  ['429', refusal(429, {}), true],
  ['a token that lacks a permission', refusal(403, { 'x-ratelimit-remaining': '90' }, 'Resource not accessible'),
    false],
  ['the last request of the window that finds nothing', refusal(404, { 'x-ratelimit-remaining': '0' }), false],
])('%s', (_, error, expected) => {
  expect(isRateLimit(error)).toBe(expected);
});
