import { digest } from './samples';
import { gitHubPackages, GitHubPackagesOptions } from '../../../lambda/shared/github-packages';
import type { GitHub } from '../../../sandbox/github';
import { HttpServer, sendJson, serve } from '../../../sandbox/http-server';
import { start } from '../../sandbox/github/testing';

let github: GitHub | undefined;
let server: HttpServer | undefined;
const warnings: string[] = [];
afterEach(async () => {
  await Promise.all([github?.close(), server?.close()]);
  github = server = undefined;
});

function client(apiUrl: string, changes: Partial<GitHubPackagesOptions> = {}): ReturnType<typeof gitHubPackages> {
  return gitHubPackages({
    apiUrl,
    organization: 'my-org',
    token: 'ghp_packages',
    tokenName: 'github/packages',
    maxWaitSeconds: 5,
    warn: line => warnings.push(line),
    ...changes,
  });
}

/** A server that answers each page of any listing. @param answer the body, and what the Link header says */
async function pages(
  answer: (page: number) => { readonly body: unknown; readonly links?: readonly string[] },
): Promise<ReturnType<typeof gitHubPackages>> {
  server = await serve((request, response) => {
    const url = new URL(request.url ?? '/', 'http://github.test');
    const { body, links = [] } = answer(Number(url.searchParams.get('page') ?? 1));
    sendJson(response, 200, body, links.length > 0 ? { link: links.join(', ') } : {});
  });
  return client(server.url);
}

const next = (page: number): string => `<https://api.github.com/x?per_page=100&page=${page}>; rel="next"`;
const last = (page: number): string => `<https://api.github.com/x?per_page=100&page=${page}>; rel="last"`;

function versionsOfPage(page: number): object[] {
  return [{ name: digest(page), metadata: { package_type: 'container', container: { tags: [] } } }];
}

describe('the end of a listing', () => {
  test('is the page without rel="next", though no rel="last" was there', async () => {
    const from = await pages(page => ({ body: versionsOfPage(page), links: page < 4 ? [next(page + 1)] : [] }));
    expect((await from.listVersions('app')).map(version => version.digest)).toEqual([1, 2, 3, 4].map(digest));
  });

  test('is found by packages, too', async () => {
    const from = await pages(page => ({ body: [{ name: `app-${page}` }], links: page < 3 ? [next(page + 1)] : [] }));
    expect(await from.listPackages()).toEqual(['app-1', 'app-2', 'app-3']);
  });

  test('is found by an announced digest on a page behind', async () => {
    const from = await pages(page => ({ body: versionsOfPage(page), links: page < 4 ? [next(page + 1)] : [] }));
    expect(await from.listVersions('app', [digest(3)])).toHaveLength(3);
  });

  test('may lie behind the page that rel="last" named, when something was published meanwhile', async () => {
    const from = await pages(page => ({
      body: versionsOfPage(page),
      links: page === 1 ? [next(2), last(3)] : page < 5 ? [next(page + 1)] : [],
    }));
    expect(await from.listVersions('app')).toHaveLength(5);
  });

  test('fails when an empty page says that others follow', async () => {
    const from = await pages(page => ({ body: page === 1 ? versionsOfPage(1) : [], links: [next(page + 1)] }));
    await expect(from.listVersions('app')).rejects.toThrow(/page 2, is an empty page before others/);
  });
});

describe('a page that breaks off', () => {
  test('is read again: no package is missing', async () => {
    github = await start();
    Array.from({ length: 250 }, (_, n) => github?.addPackage(`app-${n}`));
    github.server.faults.add({ path: /page=2/, fault: { kind: 'truncate', afterBytes: 500 } });
    expect(await client(github.url).listPackages()).toHaveLength(250);
  });

  test('fails the listing when it breaks off again and again', async () => {
    github = await start();
    Array.from({ length: 101 }, (_, n) => github?.addPackage(`app-${n}`));
    github.server.faults.add({ path: /page=2/, fault: { kind: 'truncate', afterBytes: 500 }, times: Infinity });
    await expect(client(github.url).listPackages()).rejects.toThrow(/broke off/);
  });
});

describe('rejects a page', () => {
  test.each<[string, unknown, RegExp]>([
    ['that is an object', { items: [] }, /is object, expected a list/],
    ['with an entry that is no object', ['app'], /Entry 0 .* is not of the documented shape/],
    ['with a package without a name', [{ name: 'app' }, { id: 1 }], /Entry 1 /],
  ])('of packages %s', async (_, body, why) => {
    await expect((await pages(() => ({ body }))).listPackages()).rejects.toThrow(why);
  });

  test.each<[string, unknown]>([
    ['without tags', [{ name: digest(1), metadata: { package_type: 'container' } }]],
    ['with tags that are no texts', [{ name: digest(1), metadata: { container: { tags: [1] } } }]],
    ['without a digest', [{ metadata: { container: { tags: [] } } }]],
  ])('of versions %s', async (_, body) => {
    await expect((await pages(() => ({ body }))).listVersions('app')).rejects.toThrow(/Entry 0 .* is not of the documented shape/);
  });
});

describe('time', () => {
  test('a request that hangs is given up, and tried again', async () => {
    github = await start();
    github.addPackage('app');
    github.server.faults.add({ path: /packages/, fault: { kind: 'delay', ms: 2_000 } });
    expect(await client(github.url, { timeoutMs: 200 }).listPackages()).toEqual(['app']);
  });
});

describe('a rate limit', () => {
  test('fails with the time of the reset', async () => {
    github = await start({ rateLimit: { limit: 0, windowMs: 600_000 } });
    const failure: unknown = await client(github.url).listPackages().catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'GitHubRateLimited' });
    const { resetAt } = failure as { resetAt: number };
    expect(resetAt - Date.now()).toBeGreaterThan(590_000);
    expect(resetAt - Date.now()).toBeLessThanOrEqual(601_000);
  });

  test('is told by a request that costs nothing', async () => {
    github = await start({ rateLimit: { limit: 60 } });
    const from = client(github.url);
    await from.listPackages();
    await from.rateLimit();
    expect(await from.rateLimit()).toMatchObject({ limit: 60, remaining: 59, reset: expect.any(Number) as number });
  });

  test('is none on a server that has switched it off', async () => {
    server = await serve((_, response) => sendJson(response, 404, { message: 'Rate limiting is not enabled.' }));
    expect(await client(server.url).rateLimit()).toBeUndefined();
  });

  test('each answer tells what is left', async () => {
    github = await start({ rateLimit: { limit: 60 } });
    const left: (string | null)[] = [];
    const from = client(github.url, { onAnswer: headers => left.push(headers.get('x-ratelimit-remaining')) });
    await from.listPackages();
    await from.listPackages();
    expect(left).toEqual(['59', '58']);
  });
});
