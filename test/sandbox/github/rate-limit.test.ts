import { call, image, start } from './testing';
import type { GitHub } from '../../../sandbox/github/index';

let github: GitHub;
let now = 0;
const clock = { now: () => now, sleep: async () => undefined };
const PACKAGES = '/orgs/my-org/packages?package_type=container';

beforeEach(() => { now = Date.parse('2026-03-01T00:00:00Z'); });
afterEach(() => github.close());

test('every answer says what is left', async () => {
  github = await start({ clock });
  const { headers } = await call(github, 'ghp_packages', PACKAGES);
  expect(Object.fromEntries([...headers].filter(([name]) => name.startsWith('x-ratelimit')))).toEqual({
    'x-ratelimit-limit': '5000',
    'x-ratelimit-remaining': '4999',
    'x-ratelimit-used': '1',
    'x-ratelimit-resource': 'core',
    'x-ratelimit-reset': String(now / 1000 + 3600),
  });
});

test.each([403, 429] as const)('rejects with %i beyond the primary limit until it resets', async status => {
  github = await start({ clock, rateLimit: { limit: 2, status } });
  await call(github, 'ghp_packages', PACKAGES);
  await call(github, 'ghp_packages', PACKAGES);
  const refused = await call(github, 'ghp_packages', PACKAGES);
  expect(refused).toMatchObject({ status, body: { message: expect.stringMatching(/^API rate limit exceeded for user ID \d+\./) } });
  expect(refused.headers.get('x-ratelimit-remaining')).toBe('0');
  expect(refused.headers.get('retry-after')).toBeNull();

  now += 3_600_000;
  expect(await call(github, 'ghp_packages', PACKAGES)).toMatchObject({ status: 200 });
});

test('another user has a limit of their own', async () => {
  github = await start({ clock, rateLimit: { limit: 1 } });
  await call(github, 'ghp_packages', PACKAGES);
  expect(await call(github, 'ghp_writer', PACKAGES)).toMatchObject({ status: 200 });
});

test.each([[60, '60'], [undefined, null]])(
  'rejects with the secondary limit on demand, retry-after %s',
  async (retryAfterSeconds, header) => {
    github = await start({ clock, rateLimit: { retryAfterSeconds } });
    github.rateLimits.strikeSecondary();
    const refused = await call(github, 'ghp_packages', PACKAGES);
    expect(refused).toMatchObject({ status: 403, body: { message: expect.stringMatching(/^You have exceeded a secondary rate limit\./) } });
    expect(refused.headers.get('retry-after')).toBe(header);
    expect(refused.headers.get('x-ratelimit-remaining')).toBe('5000');
    expect(await call(github, 'ghp_packages', PACKAGES)).toMatchObject({ status: 200 });
  },
);

test('rejects more points than a minute allows, where a write weighs five', async () => {
  github = await start({ clock, rateLimit: { pointsPerMinute: 6 } });
  expect(await call(github, 'ghp_hooks', '/orgs/my-org/hooks/1/pings', { method: 'POST' }))
    .toMatchObject({ status: 404 });
  expect(await call(github, 'ghp_hooks', '/orgs/my-org/hooks')).toMatchObject({ status: 200 });
  expect(await call(github, 'ghp_hooks', '/orgs/my-org/hooks')).toMatchObject({ status: 403 });
  now += 60_000;
  expect(await call(github, 'ghp_hooks', '/orgs/my-org/hooks')).toMatchObject({ status: 200 });
});

test('rejects more requests at once than are allowed', async () => {
  github = await start({ latencyMs: 1_000, rateLimit: { concurrent: 3 } });
  const answers = await Promise.all(Array.from({ length: 5 }, () => call(github, 'ghp_packages', PACKAGES)));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 403, 403]);
  expect(await call(github, 'ghp_packages', PACKAGES)).toMatchObject({ status: 200 });
});

test('an unchanged answer is a 304 that costs nothing, a changed one is not', async () => {
  github = await start({ clock });
  const first = await call(github, 'ghp_packages', PACKAGES);
  const headers = { 'if-none-match': first.headers.get('etag') ?? '' };
  const unchanged = await call(github, 'ghp_packages', PACKAGES, { headers });
  expect(unchanged).toMatchObject({ status: 304, body: undefined });
  expect(unchanged.headers.get('x-ratelimit-used')).toBe('1');

  github.recordPush(image('my-org/app', '1'));
  expect(await call(github, 'ghp_packages', PACKAGES, { headers })).toMatchObject({ status: 200 });
});

// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits
test('rejects more changes than an hour allows, and reads none the less', async () => {
  github = await start({ clock, rateLimit: { changesPerMinute: 2, changesPerHour: 3 } });
  const ping = async (): Promise<number> =>
    (await call(github, 'ghp_hooks', '/orgs/my-org/hooks/1/pings', { method: 'POST' })).status;
  expect([await ping(), await ping(), await ping()]).toEqual([404, 404, 403]);
  now += 60_000;
  expect(await ping()).toBe(403);
  now += 60_000;
  expect(await call(github, 'ghp_hooks', '/orgs/my-org/hooks')).toMatchObject({ status: 200 });
  now += 3_600_000;
  expect(await ping()).toBe(404);
});
