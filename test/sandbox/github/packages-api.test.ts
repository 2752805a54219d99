import { Octokit } from '@octokit/core';
import { paginateRest } from '@octokit/plugin-paginate-rest';
import { call, digestOf, image, index, start } from './testing';
import type { GitHub } from '../../../sandbox/github/index';

let github: GitHub;
afterEach(() => github.close());

const PACKAGES = '/orgs/my-org/packages?package_type=container';
const VERSIONS = '/orgs/my-org/packages/container/app/versions';

function octokit(token = 'ghp_packages'): InstanceType<ReturnType<typeof paginated>> {
  return new (paginated())({ auth: token, baseUrl: github.url });
}

function paginated() {
  return Octokit.plugin(paginateRest);
}

async function versions(path = VERSIONS): Promise<{ name: string; metadata: { container: { tags: string[] } } }[]> {
  const { body } = await call(github, 'ghp_packages', path);
  return body as unknown as { name: string; metadata: { container: { tags: string[] } } }[];
}

describe('what a push leaves behind', () => {
  test('a package with one version per manifest, its children untagged, newest first', async () => {
    github = await start();
    const child = image('my-org/app', undefined);
    const parent = index('my-org/app', '1.0', [child]);
    github.recordPush(child);
    github.recordPush(parent);

    expect((await versions()).map(({ name, metadata }) => [name, metadata.container.tags]))
      .toEqual([[parent.digest, ['1.0']], [child.digest, []]]);
    const { body } = await call(github, 'ghp_packages', '/orgs/my-org/packages/container/app');
    expect(body).toMatchObject({
      name: 'app',
      package_type: 'container',
      version_count: 2,
      visibility: 'private',
      owner: { login: 'My-Org', type: 'Organization' },
      repository: { full_name: 'My-Org/app' },
      url: `${github.url}/orgs/My-Org/packages/container/app`,
    });
  });

  test('a moved tag leaves the older version', async () => {
    github = await start();
    const [older, newer] = ['one', 'two'].map(name => image('my-org/app', 'latest', name));
    github.recordPush(older);
    github.recordPush(newer);

    expect((await versions()).map(({ name, metadata }) => [name, metadata.container.tags]))
      .toEqual([[newer.digest, ['latest']], [older.digest, []]]);
  });

  test('several tags of one digest stay one version', async () => {
    github = await start();
    ['1', '1.0', 'latest'].forEach(tag => github.recordPush(image('my-org/app', tag)));

    const [version, ...others] = await versions();
    expect(others).toEqual([]);
    expect([...version.metadata.container.tags].sort()).toEqual(['1', '1.0', 'latest']);
  });

  test('nothing, when it went to another owner', async () => {
    github = await start();
    expect(github.recordPush(image('else/app', '1'))).toBeUndefined();
    expect((await call(github, 'ghp_packages', PACKAGES)).body).toEqual([]);
  });

  test('a package that was there before, with its tags', async () => {
    github = await start();
    github.addPackage('app', {
      visibility: 'public',
      versions: [{ name: digestOf('a'), tags: ['1', 'latest'] }, { name: digestOf('b'), tags: ['latest'] }],
    });
    expect((await versions()).map(({ name, metadata }) => [name, metadata.container.tags]))
      .toEqual([[digestOf('b'), ['latest']], [digestOf('a'), ['1']]]);
  });

  test('a deleted version is listed as deleted only', async () => {
    github = await start();
    const { digest } = image('my-org/app', '1');
    github.recordPush(image('my-org/app', '1'));
    github.recordPush(image('my-org/app', '2', 'two'));
    github.deleteVersion('app', digest);

    expect((await versions()).map(({ name }) => name)).not.toContain(digest);
    expect((await versions(`${VERSIONS}?state=deleted`)).map(({ name }) => name)).toEqual([digest]);
  });

  test('fails to find a deleted package', async () => {
    github = await start();
    github.recordPush(image('my-org/app', '1'));
    github.deletePackage('app');
    expect(await call(github, 'ghp_packages', VERSIONS))
      .toMatchObject({ status: 404, body: { message: 'Package not found.', status: '404' } });
  });
});

describe('pages', () => {
  test('Octokit follows them to every package and version', async () => {
    github = await start({ pageSizeCap: 10 });
    const names = Array.from({ length: 23 }, (_, number) => `app-${number}`);
    names.forEach(name => github.recordPush(image(`my-org/${name}`, '1')));
    const digests = Array.from({ length: 31 }, (_, number) => digestOf(String(number)));
    github.addPackage('tools/deep/builder', { versions: digests.map(name => ({ name })) });

    const client = octokit();
    const packages = await client.paginate(
      'GET /orgs/{org}/packages',
      { org: 'MY-ORG', package_type: 'container', per_page: 100 },
    );
    expect(packages.map(({ name }) => name).sort()).toEqual([...names, 'tools/deep/builder'].sort());
    const listed = await client.paginate('GET /orgs/{org}/packages/{package_type}/{package_name}/versions', {
      org: 'my-org', package_type: 'container', package_name: 'tools/deep/builder', per_page: 100,
    });
    expect(listed.map(({ name }) => name)).toEqual([...digests].reverse());
  });

  test.each([
    ['', 30, ['next', 'last']],
    ['&per_page=1000', 100, ['next', 'last']],
    ['&per_page=50&page=2', 50, ['prev', 'next', 'last', 'first']],
    ['&per_page=50&page=3', 5, ['prev', 'first']],
    ['&per_page=50&page=9', 0, ['prev', 'first']],
    ['&per_page=0', 30, ['next', 'last']],
  ])('%s has %i items and links %j', async (query, length, relations) => {
    github = await start();
    Array.from({ length: 105 }, (_, number) => github.addPackage(`app-${number}`));
    const { body, headers } = await call(github, 'ghp_packages', `${PACKAGES}${query}`);
    expect(body).toHaveLength(length);
    expect([...(headers.get('link') ?? '').matchAll(/rel="(\w+)"/g)].map(([, name]) => name)).toEqual(relations);
  });

  test('a nested name takes %2F, and a slash is another path', async () => {
    github = await start();
    github.recordPush(image('my-org/tools/builder', '1'));
    expect(await call(github, 'ghp_packages', '/orgs/my-org/packages/container/tools%2Fbuilder'))
      .toMatchObject({ status: 200, body: { name: 'tools/builder' } });
    expect(await call(github, 'ghp_packages', '/orgs/my-org/packages/container/tools/builder'))
      .toMatchObject({ status: 404 });
  });
});

describe('who may read', () => {
  test.each([
    [undefined, 401, 'Requires authentication', 401],
    ['wrong', 401, 'Bad credentials', 401],
    ['ghp_noscope', 403, 'You need at least read:packages scope to list packages.', 403],
    ['ghp_sso', 403, 'Resource protected by organization SAML enforcement. '
      + 'You must grant your Personal Access token access to this organization.', 403],
    ['github_pat_hooks', 403, 'Resource not accessible by personal access token', 403],
    ['ghs_app', 400, 'Invalid argument.', 404],
  ])('rejects %s: the list with %i %s, versions with %i', async (token, status, message, versionsStatus) => {
    github = await start();
    github.recordPush(image('my-org/app', '1'));
    expect(await call(github, token, PACKAGES)).toMatchObject({ status, body: { message } });
    expect(await call(github, token, VERSIONS)).toMatchObject({ status: versionsStatus });
  });

  test('SSO names the address that authorizes the token', async () => {
    github = await start();
    const { headers } = await call(github, 'ghp_sso', PACKAGES);
    expect(headers.get('x-github-sso')).toMatch(/^required; url=https:\/\/github\.com\/orgs\/My-Org\/sso\?authorization_request=/);
  });

  test.each(['ghp_packages', 'ghp_writer'])('%s reads, by Bearer, token and Basic', async token => {
    github = await start();
    for (const authorization of [
      `Bearer ${token}`,
      `token ${token}`,
      `Basic ${Buffer.from(`anyone:${token}`).toString('base64')}`,
    ]) {
      expect(await call(github, undefined, PACKAGES, { headers: { authorization } })).toMatchObject({ status: 200 });
    }
  });

  test('a stranger sees what is public', async () => {
    github = await start();
    ['open', 'closed'].forEach(name => github.recordPush(image(`my-org/${name}`, '1')));
    github.setVisibility('open', 'public');
    const { body } = await call(github, 'ghp_stranger', PACKAGES);
    expect(body).toMatchObject([{ name: 'open', visibility: 'public' }]);
    expect(body).toHaveLength(1);
    expect(await call(github, 'ghp_stranger', '/orgs/my-org/packages/container/closed')).toMatchObject({ status: 404 });
  });

  test('rejects an expired token, which said before when it would', async () => {
    let now = Date.parse('2026-03-01T00:00:00Z');
    github = await start({
      tokens: [{
        value: 'ghp_short',
        kind: 'classic',
        scopes: ['read:packages'],
        expiresAt: new Date('2026-03-02T10:00:00Z'),
      }],
      clock: { now: () => now, sleep: async () => undefined },
    });
    const before = await call(github, 'ghp_short', PACKAGES);
    expect(before.headers.get('github-authentication-token-expiration')).toBe('2026-03-02 10:00:00 UTC');
    expect(before.headers.get('x-oauth-scopes')).toBe('read:packages');
    now = Date.parse('2026-03-02T10:00:00Z');
    expect(await call(github, 'ghp_short', PACKAGES))
      .toMatchObject({ status: 401, body: { message: 'Bad credentials' } });
  });

  test('rejects a revoked token', async () => {
    github = await start();
    github.tokens.revoke('ghp_packages');
    expect(await call(github, 'ghp_packages', PACKAGES)).toMatchObject({ status: 401 });
  });
});

describe('wrong questions', () => {
  test.each([
    ['/orgs/my-org/packages', 400, 'Invalid request.\n\n"package_type" wasn\'t supplied.'],
    ['/orgs/my-org/packages?package_type=helm', 400, expect.stringContaining('helm is not a member of')],
    ['/orgs/typo/packages?package_type=container', 404, 'Not Found'],
    ['/orgs/my-org/packages/container/none', 404, 'Package not found.'],
    ['/orgs/my-org/nothing', 404, 'Not Found'],
    [`${VERSIONS}?state=odd`, 422, expect.stringContaining('odd is not a member of')],
  ])('rejects %s with %i', async (path, status, message) => {
    github = await start();
    github.recordPush(image('my-org/app', '1'));
    expect(await call(github, 'ghp_packages', path)).toMatchObject({ status, body: { message, documentation_url: expect.stringContaining('https://docs.github.com/rest') } });
  });
});

test('other kinds of packages are listed under their own type', async () => {
  github = await start();
  github.addPackage('ui-kit', { type: 'npm', versions: [{ name: '3.1.0' }] });
  expect((await call(github, 'ghp_packages', PACKAGES)).body).toEqual([]);
  expect((await call(github, 'ghp_packages', '/orgs/my-org/packages?package_type=npm')).body)
    .toMatchObject([{ name: 'ui-kit', package_type: 'npm', version_count: 1 }]);
});

test('an unlinked package has no repository', async () => {
  github = await start({ linkRepositories: 'none' });
  github.recordPush(image('my-org/app', '1'));
  expect((await call(github, 'ghp_packages', '/orgs/my-org/packages/container/app')).body)
    .not.toHaveProperty('repository');
});

test('GitHub Enterprise Server answers below its prefix alone', async () => {
  github = await start({ prefix: '/api/v3' });
  github.recordPush(image('my-org/app', '1'));
  const { data } = await octokit().request('GET /orgs/{org}/packages', { org: 'my-org', package_type: 'container' });
  expect(data[0].url).toBe(`${github.server.url}/api/v3/orgs/My-Org/packages/container/app`);
  expect((await fetch(`${github.server.url}${PACKAGES}`, { headers: { authorization: 'Bearer ghp_packages' } })).status)
    .toBe(404);
});

test.each([
  ['', '', 'pull', false, true],
  ['any', 'ghp_packages', 'pull', true, true],
  ['any', 'wrong', 'pull', false, false],
  ['any', 'ghp_packages', 'push', false, false],
  ['any', 'ghp_writer', 'push', true, true],
  ['any', 'ghp_stranger', 'pull', false, true],
  ['any', 'github_pat_hooks', 'pull', false, false],
  ['any', 'ghp_sso', 'pull', false, false],
] as const)('the registry asks for %s:%s to '
  + '%s: private %s, public %s', async (user, password, action, closed, open) => {
  github = await start();
  github.recordPush(image('my-org/app', '1'));
  expect(github.allowsRegistry(user, password, 'my-org/app', action)).toBe(closed);
  github.setVisibility('app', 'public');
  expect(github.allowsRegistry(user, password, 'my-org/app', action)).toBe(open);
});
