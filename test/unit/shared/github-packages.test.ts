import { gitHubPackages, GitHubPackagesOptions } from '../../../lambda/shared/github-packages';
import type { SourceVersion } from '../../../lambda/shared/plan';
import type { GitHub } from '../../../sandbox/github';
import { image, start } from '../../sandbox/github/testing';

let github: GitHub;
let warnings: string[];
beforeEach(() => { warnings = []; });
afterEach(() => github.close());

function client(
  token = 'ghp_packages',
  changes: Partial<GitHubPackagesOptions> = {},
): ReturnType<typeof gitHubPackages> {
  return gitHubPackages({
    apiUrl: github.url,
    organization: 'my-org',
    token,
    tokenName: 'github/packages',
    maxWaitSeconds: 5,
    warn: message => warnings.push(message),
    ...changes,
  });
}

function versions(name: string, from = client(), announced?: readonly string[]): Promise<SourceVersion[]> {
  return from.listVersions(name, announced);
}

describe('listPackages', () => {
  test('reads every page', async () => {
    github = await start({ pageSizeCap: 10 });
    const names = Array.from({ length: 23 }, (_, n) => `app-${n}`);
    names.forEach(name => github.addPackage(name));
    expect((await client().listPackages()).sort()).toEqual([...names].sort());
  });

  test('leaves out what is no container', async () => {
    github = await start();
    github.addPackage('app');
    github.addPackage('ui-kit', { type: 'npm' });
    expect(await client().listPackages()).toEqual(['app']);
  });

  test('keeps nested names', async () => {
    github = await start();
    github.addPackage('team/deep/tool');
    expect(await client().listPackages()).toEqual(['team/deep/tool']);
  });

  test('names a package once that came on two pages', async () => {
    github = await start({ pageSizeCap: 2 });
    ['a', 'b', 'c'].forEach(name => github.addPackage(name));
    // A package that is published after the first page was read shifts its neighbours to the second.
    const listing = client().listPackages();
    await arrival(1);
    github.addPackage('d');
    const names = await listing;
    expect(names).toEqual([...new Set(names)]);
    expect(names).toEqual(expect.arrayContaining(['a', 'b', 'c']));
  });

  test('gives an empty organization as empty', async () => {
    github = await start();
    expect(await client().listPackages()).toEqual([]);
  });

  test('works below the path of GitHub Enterprise Server', async () => {
    github = await start({ prefix: '/api/v3' });
    github.addPackage('app');
    expect(await client().listPackages()).toEqual(['app']);
  });
});

async function arrival(count: number): Promise<void> {
  while (github.server.requests.length < count) { await new Promise(setImmediate); }
}

/** Pushes images without a tag; their digests, oldest first. */
function pushUntagged(name: string, count: number): string[] {
  const puts = Array.from({ length: count }, (_, n) => image(`my-org/${name}`, undefined, `image ${n}`));
  puts.forEach(put => github.recordPush(put));
  return puts.map(({ digest }) => digest);
}

describe('listVersions', () => {
  test('reads every page, newest first, with the tags', async () => {
    github = await start({ pageSizeCap: 4 });
    const older = pushUntagged('app', 9);
    github.recordPush(image('my-org/app', '1'));
    github.recordPush(image('my-org/app', 'latest'));

    const [newest, ...others] = await versions('app');
    expect({ ...newest, tags: [...newest.tags].sort() })
      .toEqual({ digest: image('my-org/app', '1').digest, tags: ['1', 'latest'] });
    expect(others).toEqual([...older].reverse().map(digest => ({ digest, tags: [] })));
  });

  test('encodes the slashes of a nested name', async () => {
    github = await start();
    pushUntagged('team/deep/tool', 1);
    expect(await versions('team/deep/tool')).toHaveLength(1);
    expect(github.server.requests[0].path).toContain('/packages/container/team%2Fdeep%2Ftool/versions?');
  });

  test.each([[[4], 1], [[4, 3], 1], [[2], 2], [[4, 0], 3]])(
    'stops at the page that holds the last announced digest (%j: page %i)',
    async (wanted, pages) => {
      github = await start({ pageSizeCap: 2 });
      const pushed = pushUntagged('app', 5);
      const listed = await versions('app', client(), wanted.map(n => pushed[n]));
      expect(github.server.requests).toHaveLength(pages);
      expect(listed.map(({ digest }) => digest)).toEqual([...pushed].reverse().slice(0, 2 * pages));
    },
  );

  test('reads everything when an announced digest is not there', async () => {
    github = await start({ pageSizeCap: 2 });
    const pushed = pushUntagged('app', 5);
    expect(await versions('app', client(), [pushed[4], 'sha256:gone'])).toHaveLength(5);
  });

  test('leaves deleted versions out', async () => {
    github = await start();
    const [deleted, kept] = pushUntagged('app', 2);
    github.deleteVersion('app', deleted);
    expect(await versions('app')).toEqual([{ digest: kept, tags: [] }]);
  });

  test('fails when a later page fails: half a listing is none', async () => {
    github = await start({ pageSizeCap: 2 });
    pushUntagged('app', 3);
    github.server.faults.add({ path: /page=2/, fault: { kind: 'status', status: 410, body: '{"message":"gone"}' }, times: Infinity });
    await expect(versions('app')).rejects.toMatchObject({ status: 410 });
  });
});

describe('refusals name the fix', () => {
  const packages = (token: string): Promise<unknown> => client(token).listPackages();
  const ofPackage = (token: string): Promise<unknown> => versions('app', client(token));

  test.each<[string, string, (token: string) => Promise<unknown>, RegExp]>([
    ['an App token', 'ghs_app', packages, /answered 400 .*secret "github\/packages" is of a kind that GitHub refuses.*classic personal access token with the scope read:packages/],
    ['an unknown token', 'ghp_unknown', packages, /answered 401 .*secret "github\/packages" is expired, revoked or mistyped/],
    ['a fine-grained token', 'github_pat_hooks', packages, /answered 403 .*lacks a permission.*fine-grained and App tokens cannot read packages/],
    ['a token without the scope', 'ghp_noscope', packages, /answered 403 .*lacks a permission.*read:packages/],
    ['a token that SAML stops', 'ghp_sso', packages, /answered 403 .*enforces SAML single sign-on.*"Configure SSO".*authorize the organization/],
    ['an App token for a package', 'ghs_app', ofPackage, /answered 404 to "list the versions of package "app" of organization "my-org"": the package is gone, or/],
    ["a stranger's token for a private package", 'ghp_stranger', ofPackage, /answered 404 .*may not read it\. Give that user read access/],
  ])('rejects %s', async (_, token, act, message) => {
    github = await start();
    pushUntagged('app', 1);
    const failure = await act(token).then(() => undefined, (error: unknown) => error);
    expect(failure).toMatchObject({ name: 'GitHubRefusal', message: expect.stringMatching(message) as string });
    expect(`${String(failure)} ${JSON.stringify(failure)} ${warnings.join(' ')}`).not.toContain(token);
  });

  test('rejects an organization that is not there', async () => {
    github = await start();
    await expect(client('ghp_packages', { organization: 'typo' }).listPackages()).rejects.toThrow(/answered 404 .*no such organization.*Check the spelling of "organization"/);
  });

  test('rejects a package that was deleted', async () => {
    github = await start();
    await expect(versions('gone')).rejects.toThrow(/"list the versions of package "gone" of organization "my-org"": the package is gone/);
  });
});

describe('rate limits', () => {
  test('waits as long as GitHub asks, and goes on', async () => {
    github = await start({ rateLimit: { retryAfterSeconds: 1 } });
    github.addPackage('app');
    github.rateLimits.strikeSecondary(1);
    const before = Date.now();
    expect(await client().listPackages()).toEqual(['app']);
    // The wait is the subject here: less than GitHub asked for is a fault, more is not.
    expect(Date.now() - before).toBeGreaterThanOrEqual(990);
    expect(warnings).toContainEqual(expect.stringMatching(/^GitHub secondary rate limit on GET .*: asked to wait 1 s, waiting\.$/));
  });

  test('fails at once when the wait is longer than there is time', async () => {
    github = await start({ rateLimit: { retryAfterSeconds: 60 } });
    github.rateLimits.strikeSecondary(1);
    await expect(client().listPackages()).rejects.toThrow(/secondary rate limit/);
    expect(github.server.requests).toHaveLength(1);
    expect(warnings).toContainEqual(expect.stringContaining('asked to wait 60 s, giving up.'));
  });

  test('fails at once when the hourly limit is used up for long', async () => {
    github = await start({ rateLimit: { limit: 0 } });
    await expect(client().listPackages()).rejects.toThrow(/API rate limit exceeded/);
    expect(github.server.requests).toHaveLength(1);
  });

  test('fails on a limit with what GitHub says, not with a permission that the token has', async () => {
    github = await start({ rateLimit: { retryAfterSeconds: 60, status: 403 } });
    github.rateLimits.strikeSecondary(1);
    const failure: unknown = await client().listPackages().catch((error: unknown) => error);
    expect(failure).not.toMatchObject({ name: 'GitHubRefusal' });
  });
});
