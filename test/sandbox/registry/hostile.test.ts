import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from '../../../sandbox/faults';
import { RegistryClient } from '../../../sandbox/registry/client';
import { digestOf } from '../../../sandbox/registry/digest';
import { Ghcr, GhcrOptions, startGhcr } from '../../../sandbox/registry/ghcr';
import { image, OCI } from '../../../sandbox/registry/images';
import { Registry, startRegistry } from '../../../sandbox/registry/registry';

const REPOSITORY = 'my-org/app';

let backing: Registry;
let ghcr: Ghcr;

beforeEach(async () => {
  backing = await startRegistry({ referrers: false });
});
afterEach(async () => {
  await ghcr.close();
  await backing.close();
});

async function start(options: Partial<GhcrOptions> = {}): Promise<void> {
  ghcr = await startGhcr({ backing, allows: () => true, ...options });
}

const client = (): RegistryClient => new RegistryClient({ url: ghcr.url, user: 'ci', password: 'x' });

async function pushed(): Promise<string> {
  const top = image();
  await client().push(REPOSITORY, top, 'v1');
  return top.blobs[0].digest;
}

describe('ranges of a blob', () => {
  test.each<[string, Partial<GhcrOptions>, string, number]>([
    ['without an end are served by default', {}, 'bytes=1-', 206],
    ['with an end are served', { refuseOpenRanges: true }, 'bytes=1-2', 206],
    ['without an end are refused when told so', { refuseOpenRanges: true }, 'bytes=1-', 416],
    [
      'without an end are refused by the host of the content, too',
      { refuseOpenRanges: true, redirectBlobs: true },
      'bytes=1-',
      416,
    ],
    [
      'with an end are served by the host of the content',
      { refuseOpenRanges: true, redirectBlobs: true },
      'bytes=1-2',
      206,
    ],
  ])('%s', async (_, options, range, status) => {
    await start(options);
    const digest = await pushed();
    expect((await client().send('GET', `/v2/${REPOSITORY}/blobs/${digest}`, { range })).status).toBe(status);
  });
});

test('HEAD of a manifest by its tag tells digest, type and size', async () => {
  await start();
  await pushed();
  const { status, headers } = await client().send('HEAD', `/v2/${REPOSITORY}/manifests/v1`);
  const top = image();
  expect([
    status,
    headers.get('docker-content-digest'),
    headers.get('content-type'),
    headers.get('content-length'),
  ]).toEqual([200, top.digest, top.mediaType, String(top.bytes.length)]);
});

describe('a token realm on another host', () => {
  test('is what the challenge names', async () => {
    await start({ tokenRealm: 'https://attacker.example/token' });
    const response = await fetch(`${ghcr.url}/v2/${REPOSITORY}/manifests/v1`);
    await response.text();
    expect(response.headers.get('www-authenticate')).toContain('realm="https://attacker.example/token"');
  });
});

describe('faults of any route', () => {
  const routes: [string, RegExp, () => Promise<unknown>][] = [
    [
      'the token',
      /^\/token/,
      () =>
        fetch(`${ghcr.url}/token?service=ghcr.io`, { signal: AbortSignal.timeout(300) }).then(answer => answer.text()),
    ],
    ['a manifest', /\/manifests\//, () => read(`/v2/${REPOSITORY}/manifests/v1`)],
    ['a blob', /\/blobs\/sha256:/, () => read(`/v2/${REPOSITORY}/blobs/${image().blobs[0].digest}`)],
    ['the tags', /\/tags\/list/, () => read(`/v2/${REPOSITORY}/tags/list`)],
  ];
  const faults: [string, Fault][] = [
    ['hangs', { kind: 'hang' }],
    ['resets', { kind: 'reset' }],
    ['truncates', { kind: 'truncate', afterBytes: 5 }],
  ];

  async function read(path: string): Promise<string> {
    const { token } = (await (await fetch(`${ghcr.url}/token?scope=repository:${REPOSITORY}:pull`)).json()) as {
      token: string;
    };
    const response = await fetch(ghcr.url + path, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(300),
    });
    return response.text();
  }

  test.each(routes.flatMap(([route, path, act]) => faults.map(([what, fault]) => ({ route, path, act, what, fault }))))(
    '$route $what once, then answers',
    async ({ path, act, fault }) => {
      await start();
      await pushed();
      ghcr.faults.add({ path, fault });
      await expect(act()).rejects.toThrow();
      await expect(act()).resolves.toBeDefined();
    },
  );

  test('a registry that hangs can be closed', async () => {
    await start();
    ghcr.faults.add({ fault: { kind: 'hang' }, times: Infinity });
    const answer = fetch(`${ghcr.url}/v2/`).then(
      () => 'answered',
      () => 'failed',
    );
    await delay(50);
    await ghcr.close();
    expect(await answer).toBe('failed');
  });
});

describe('what is planted', () => {
  test('a manifest is served as it is, whatever it says', async () => {
    await start();
    const hostile = {
      schemaVersion: 2,
      mediaType: OCI.index,
      manifests: [{ mediaType: OCI.manifest, digest: '../../../../v2/x/manifests/latest', size: -1 }],
    };
    const bytes = Buffer.from(JSON.stringify(hostile));
    await expect(client().putManifest(REPOSITORY, 'v1', { mediaType: OCI.index, bytes })).rejects.toThrow(
      'MANIFEST_BLOB_UNKNOWN',
    );
    backing.plantManifest(REPOSITORY, 'v1', { mediaType: OCI.index, bytes });
    expect((await client().getManifest(REPOSITORY, 'v1'))?.bytes).toEqual(bytes);
  });

  test('a manifest can lie about its digest', async () => {
    await start();
    const [told, served] = [image({ seed: 1 }), image({ seed: 2 })];
    backing.plantManifest(REPOSITORY, 'v1', served, told.digest);
    const response = await client().send('GET', `/v2/${REPOSITORY}/manifests/${told.digest}`);
    expect([
      response.headers.get('docker-content-digest'),
      digestOf(Buffer.from(await response.arrayBuffer())),
    ]).toEqual([told.digest, served.digest]);
  });

  test('a blob can have other bytes than its digest says', async () => {
    await start();
    const digest = digestOf('told');
    backing.plantBlob(REPOSITORY, digest, Buffer.from('served'));
    expect((await client().getBlob(REPOSITORY, digest))?.toString()).toBe('served');
  });
});
