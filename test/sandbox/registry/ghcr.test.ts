import type { HttpServer } from '../../../sandbox/http-server';
import { buildxIndex } from '../../../sandbox/registry/artifacts';
import { RegistryClient } from '../../../sandbox/registry/client';
import { digestOf } from '../../../sandbox/registry/digest';
import type { ManifestPut } from '../../../sandbox/registry/front';
import { Ghcr, GhcrOptions, startGhcr } from '../../../sandbox/registry/ghcr';
import { image } from '../../../sandbox/registry/images';
import { startRegistry } from '../../../sandbox/registry/registry';

const WRITER = { user: 'ci', password: 'write' };
const READER = { user: 'anything', password: 'read' };
const PUBLIC = 'my-org/public';
const PRIVATE = 'my-org/private';

let backing: HttpServer;
let ghcr: Ghcr;
let now: number;
let pushed: ManifestPut[];

/** `write` may do all, `read` may pull, nobody may pull what is public; any other password is bad for everything. */
const allows: GhcrOptions['allows'] = (_user, password, repository, action) =>
  password === 'write'
    || (password === 'read' && action === 'pull')
    || (password === '' && action === 'pull' && repository === PUBLIC);

async function start(options: Partial<GhcrOptions> = {}): Promise<void> {
  ghcr = await startGhcr({ backing, allows, onPush: put => pushed.push(put), now: () => now, ...options });
}

beforeEach(async () => {
  [now, pushed] = [Date.now(), []];
  backing = await startRegistry({ referrers: false });
});
afterEach(async () => {
  await ghcr.close();
  await backing.close();
});

const client = (login: object = {}): RegistryClient => new RegistryClient({ url: ghcr.url, ...login });

async function get(
  path: string,
  authorization?: string,
): Promise<{ status: number; challenge: string | null; code: string | undefined }> {
  const response = await fetch(`${ghcr.url}${path}`, { headers: authorization === undefined ? {} : { authorization } });
  const code = /"code":"(\w+)"/.exec(await response.text())?.[1];
  return { status: response.status, challenge: response.headers.get('www-authenticate'), code };
}

async function token(
  scope: string | undefined,
  login?: { user: string; password: string },
): Promise<{ status: number; token?: string }> {
  const basic: Record<string, string> = login
    ? { authorization: `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}` }
    : {};
  const response = await fetch(`${ghcr.url}/token?service=ghcr.io${scope === undefined ? '' : `&scope=${scope}`}`, {
    headers: basic,
  });
  return { status: response.status, token: (await response.json() as { token?: string }).token };
}

const pull = (repository: string): string => `repository:${repository}:pull`;
const bearer = async (scope: string, login = READER): Promise<string> =>
  `Bearer ${(await token(scope, login)).token ?? ''}`;

describe('challenges', () => {
  beforeEach(() => start());

  it('a ping', async () => {
    expect(await get('/v2/')).toEqual({
      status: 401,
      code: 'UNAUTHORIZED',
      challenge: `Bearer realm="${ghcr.url}/token",service="ghcr.io",scope="repository:user/image:pull"`,
    });
  });

  it('a request without a token, for what it needs', async () => {
    expect((await get(`/v2/${PUBLIC}/tags/list`)).challenge).toContain(`scope="repository:${PUBLIC}:pull"`);
    const upload = await fetch(`${ghcr.url}/v2/${PUBLIC}/blobs/uploads/`, { method: 'POST' });
    expect(upload.headers.get('www-authenticate')).toContain(`scope="repository:${PUBLIC}:pull,push"`);
  });

  it('a token for another repository', async () => {
    expect(await get(`/v2/${PRIVATE}/tags/list`, await bearer(pull(PUBLIC))))
      .toMatchObject({ status: 401, challenge: expect.stringContaining('error="insufficient_scope"') as string });
  });

  it('a token that has expired', async () => {
    const authorization = await bearer(pull(PUBLIC));
    now += 300_000;

    expect(await get(`/v2/${PUBLIC}/tags/list`, authorization))
      .toMatchObject({ status: 401, challenge: expect.stringContaining('error="invalid_token"') as string });
  });
});

describe('rejects', () => {
  beforeEach(() => start());

  it.each([
    ['bad credentials for a public package', pull(PUBLIC), { user: 'someone', password: 'wrong' }, 403],
    ['bad credentials without a scope, as a login has it', undefined, { user: 'someone', password: 'wrong' }, 403],
    ['nobody for a private package', pull(PRIVATE), undefined, 401],
  ])('%s', async (_what, scope, login, status) => {
    expect(await token(scope, login)).toEqual({ status });
  });

  it.each([
    'Bearer invented',
    `Basic ${Buffer.from('anything:read').toString('base64')}`,
  ])('%s at the registry, without a challenge', async authorization => {
    expect(await get(`/v2/${PUBLIC}/tags/list`, authorization))
      .toEqual({ status: 403, code: 'DENIED', challenge: null });
  });

  it('a push by who may only pull', async () => {
    await expect(client(READER).push(PRIVATE, image(), 'v1')).rejects.toThrow('permission_denied');
    expect(pushed).toEqual([]);
  });

  it('a name in upper case', async () => {
    expect(await get('/v2/My-Org/app/tags/list')).toMatchObject({ status: 400, code: 'NAME_INVALID' });
  });

  it('the referrers API', async () => {
    await client(WRITER).push(PUBLIC, image(), 'v1');

    expect(await get(`/v2/${PUBLIC}/referrers/${image().digest}`, await bearer(pull(PUBLIC))))
      .toMatchObject({ status: 404 });
  });

  it('deletion', async () => {
    await client(WRITER).push(PUBLIC, image(), 'v1');

    expect((await client(WRITER).send('DELETE', `/v2/${PUBLIC}/manifests/v1`)).status).toBe(405);
  });
});

describe('lets', () => {
  beforeEach(() => start());

  it('any user name pull with a good token', async () => {
    await client(WRITER).push(PRIVATE, image(), 'v1');

    expect(await client(READER).manifestDigest(PRIVATE, 'v1')).toBe(image().digest);
  });

  it('nobody in particular pull what is public', async () => {
    await client(WRITER).push(PUBLIC, image(), 'v1');

    expect(await client().listTags(PUBLIC)).toEqual(['v1']);
  });

  it('a client ask for a token with a form', async () => {
    const form = new URLSearchParams({
      grant_type: 'password',
      service: 'ghcr.io',
      scope: pull(PRIVATE),
      username: 'anything',
      password: 'read',
    });
    const { access_token: granted } = await (await fetch(
      `${ghcr.url}/token`,
      { method: 'POST', body: form },
    )).json() as { access_token: string };

    expect((await get(`/v2/${PRIVATE}/tags/list`, `Bearer ${granted}`)).code).toBe('NAME_UNKNOWN');
  });

  it('one token open two repositories', async () => {
    const authorization = await bearer(`${pull('my-org/a')}&scope=${pull('my-org/b')}`);

    for (const name of ['my-org/a', 'my-org/b']) {
      expect((await get(`/v2/${name}/tags/list`, authorization)).code).toBe('NAME_UNKNOWN');
    }
  });
});

describe('a push', () => {
  it('is reported manifest by manifest', async () => {
    await start();
    const top = buildxIndex();
    await client(WRITER).push(PRIVATE, top, 'v1', 'v2');

    expect(pushed.map(({ reference, digest }) => [reference, digest])).toEqual([
      ...top.children.map(({ digest }) => [digest, digest]), ['v1', top.digest], ['v2', top.digest],
    ]);
  });
});

describe('redirected blobs', () => {
  const content = image();
  const digest = content.blobs[1]?.digest ?? '';
  beforeEach(async () => {
    await start({ redirectBlobs: true });
    await client(WRITER).push(PRIVATE, content, 'v1');
  });

  it('are read from the other host, without a token', async () => {
    const authorization = await bearer(pull(PRIVATE));
    const { status, headers } = await fetch(
      `${ghcr.url}/v2/${PRIVATE}/blobs/${digest}`,
      { headers: { authorization }, redirect: 'manual' },
    );
    const location = headers.get('location') ?? '';

    expect([status, location.startsWith(ghcr.content?.url ?? 'none')]).toEqual([307, true]);
    expect(digestOf(Buffer.from(await (await fetch(location)).arrayBuffer()))).toBe(digest);
  });

  it('are found by clients', async () => {
    expect(await client(READER).getBlob(PRIVATE, digest)).toEqual(content.blobs[1]?.bytes);
  });

  it.each(['', '?signature=invented'])('reject an address with "%s" for a signature', async query => {
    expect((await fetch(`${ghcr.content?.url}/v2/${PRIVATE}/blobs/${digest}${query}`)).status).toBe(403);
  });

  it('reject another blob under the same signature', async () => {
    const signed = new URL((await client(READER).send('GET', `/v2/${PRIVATE}/blobs/${digest}`)).url);
    signed.pathname = signed.pathname.replace(digest, content.blobs[0]?.digest ?? '');

    expect((await fetch(signed)).status).toBe(403);
  });
});

describe('read-after-push lag', () => {
  const old = image({ seed: 'old' });
  beforeEach(async () => {
    await start({ lagMs: 5_000 });
    await client(WRITER).push(PRIVATE, old, 'v1');
  });
  const seen = async (login: object = READER, ...references: string[]): Promise<boolean[]> =>
    Promise.all(
      references.map(async reference => await client(login).manifestDigest(PRIVATE, reference) !== undefined),
    );
  it('hides tag and digest from readers at first', async () => {
    expect(await seen(READER, 'v1', old.digest)).toEqual([false, false]);
    now += 4_999;
    expect(await seen(READER, 'v1', old.digest)).toEqual([false, false]);
    now += 1;
    expect(await seen(READER, 'v1', old.digest)).toEqual([true, true]);
  });
  it('hides nothing from who pushes', async () => {
    expect(await client(WRITER).send('HEAD', `/v2/${PRIVATE}/manifests/v1`, {}, undefined, 'pull,push'))
      .toMatchObject({ status: 200 });
  });
  it('hides a new tag alone when its content was there', async () => {
    now += 5_000;
    await client(WRITER).putManifest(PRIVATE, 'v2', old);

    expect(await seen(READER, 'v2', 'v1', old.digest)).toEqual([false, true, true]);
  });
  it('hides a tag that moves', async () => {
    now += 5_000;
    await client(WRITER).push(PRIVATE, image({ seed: 'new' }), 'v1');

    expect(await seen(READER, 'v1', old.digest)).toEqual([false, true]);
  });
  it('hides nothing of a push that changes nothing', async () => {
    now += 5_000;
    await client(WRITER).push(PRIVATE, old, 'v1');

    expect(await seen(READER, 'v1', old.digest)).toEqual([true, true]);
  });
});
