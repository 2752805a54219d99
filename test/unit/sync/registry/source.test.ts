import { originOf, Registry } from '../../../../lambda/sync/registry/client';
import { Connections } from '../../../../lambda/sync/registry/connections';
import { RegistryError } from '../../../../lambda/sync/registry/errors';
import { SourceRegistry, sourceRegistry } from '../../../../lambda/sync/registry/source';
import { Faults } from '../../../../sandbox/faults';
import { HttpServer } from '../../../../sandbox/http-server';
import { RegistryClient } from '../../../../sandbox/registry/client';
import { startGhcr } from '../../../../sandbox/registry/ghcr';
import { image } from '../../../../sandbox/registry/images';
import { startRegistry } from '../../../../sandbox/registry/registry';

const APP = 'my-org/app';
const content = image();

let backing: HttpServer;
let ghcr: HttpServer;
let now: number;
let count: number;
let source: SourceRegistry;
let connections: Connections;
beforeEach(async () => {
  connections = new Connections();
  [now, count] = [1_000_000, 0];
  backing = await startRegistry();
  await new RegistryClient(backing).push(APP, content, '1');
  ghcr = await startGhcr({
    backing,
    allows: (_user, password) => password === 'good',
    tokenLifetimeMs: 1_000,
    now: () => now,
    faults: new Faults(),
  });
  source = open('good');
});
afterEach(async () => {
  connections.close();
  await ghcr.close();
  await backing.close();
});

function open(token: string): SourceRegistry {
  return sourceRegistry(new Registry({
    connections,
    login: () => ({ host: ghcr.host, user: 'token', password: token }),
    count: () => { count++; },
  }));
}

async function bytesOf(blob: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of blob) { chunks.push(chunk); }
  return Buffer.concat(chunks);
}

const tokens = (): number => ghcr.requests.filter(({ path }) => path.startsWith('/token')).length;
const answer = (status: number, headers: Record<string, string> = {}): void => {
  ghcr.faults.add({ path: /manifests/, fault: { kind: 'status', status, headers }, times: Infinity });
};

test.each([
  ['ghcr.io', 'https://ghcr.io'],
  // As the addresses that a registry gives are compared with it.
  ['containers.example.com:443', 'https://containers.example.com'],
  ['containers.example.com:8443', 'https://containers.example.com:8443'],
  ['localhost', 'http://localhost'],
  ['127.0.0.1:5000', 'http://127.0.0.1:5000'],
  ['127.0.0.1.example.com', 'https://127.0.0.1.example.com'],
])('%s is at %s', (host, origin) => {
  expect(originOf(host)).toBe(origin);
});

test('reads a manifest by digest, with a token that it asks for once', async () => {
  expect(await source.manifest(APP, content.digest)).toEqual({ bytes: content.bytes, contentType: content.mediaType });
  await Promise.all([1, 2, 3].map(() => source.manifest(APP, content.digest)));
  expect([tokens(), count]).toEqual([1, 6]);
});

test('asks for one token when several are refused at once', async () => {
  await Promise.all([1, 2, 3, 4].map(() => source.manifest(APP, content.digest)));
  expect(tokens()).toBe(1);
});

test('asks for another when the token has expired', async () => {
  await source.manifest(APP, content.digest);
  now += 1_000;
  expect((await source.manifest(APP, content.digest)).bytes).toEqual(content.bytes);
  expect(tokens()).toBe(2);
});

test('fails with the words of the registry when it is denied, and asks again the next time', async () => {
  const stranger = open('bad');
  await expect(stranger.manifest(APP, content.digest)).rejects.toThrow(/answered 403 to token for my-org\/app: .*denied/);
  await expect(stranger.manifest(APP, content.digest)).rejects.toThrow('denied');
  expect(tokens()).toBe(2);
});

test('fails with the words of the registry when there is no such manifest', async () => {
  await expect(source.manifest(APP, image({ seed: 2 }).digest)).rejects.toThrow(/answered 404 .*MANIFEST_UNKNOWN/);
});

test('fails with the time that the registry asks to wait', async () => {
  answer(429, { 'retry-after': '7' });
  const error: unknown = await source.manifest(APP, content.digest).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(RegistryError);
  expect(error).toMatchObject({
    host: ghcr.host,
    status: 429,
    retryAfterMs: 7_000,
    message: expect.stringContaining('answered 429') as string,
  });
});

test('fails on bytes that are not those of the digest', async () => {
  ghcr.faults.add({ path: /manifests/, fault: { kind: 'status', status: 200, body: '{}' }, times: Infinity });
  await expect(source.manifest(APP, content.digest)).rejects.toThrow('does not match expected digest');
});

test('fails on an answer without end, and does not keep it', async () => {
  ghcr.faults.add({ path: /manifests/, fault: { kind: 'status', status: 200, body: 'x'.repeat(9_000_000) }, times: Infinity });
  await expect(source.manifest(APP, content.digest)).rejects.toThrow(/answered 200 to my-org\/app@sha256:\w+ with more than 8388608 bytes/);
});

test.each([['reset', { kind: 'reset' }], ['cut off', { kind: 'truncate', afterBytes: 10 }]] as const)(
  'fails with the reason when the connection is %s',
  async (_, fault) => {
    await source.manifest(APP, content.digest);
    ghcr.faults.add({ path: /manifests/, fault, times: Infinity });
    await expect(source.manifest(APP, content.digest)).rejects.toThrow(/connection (failed|closed)/);
  },
);

describe('a blob', () => {
  const [blob] = content.blobs;
  const wanted = { digest: blob.digest, size: blob.bytes.length };

  test('is read from the host that the registry redirects to, which never sees the token', async () => {
    await ghcr.close();
    // Storage hosts refuse whoever sends a token along.
    const contentFaults = new Faults().add({ headers: { authorization: /./ }, fault: { kind: 'status', status: 403 }, times: Infinity });
    ghcr = await startGhcr({
      backing,
      allows: (_user, password) => password === 'good',
      redirectBlobs: true,
      contentFaults,
    });
    source = open('good');
    expect(await bytesOf(await source.blob(APP, wanted, 0))).toEqual(blob.bytes);
    expect(ghcr.requests.filter(({ path, status }) => path.includes('/blobs/') && status === 307)).toHaveLength(1);
  });

  test('is read from a byte on', async () => {
    expect(await bytesOf(await source.blob(APP, wanted, 100))).toEqual(blob.bytes.subarray(100));
  });

  test('fails when the registry sends all of it instead of the rest', async () => {
    ghcr.faults.add({ path: /blobs/, fault: { kind: 'status', status: 200, body: 'all' }, times: Infinity });
    await expect(source.blob(APP, wanted, 100)).rejects.toThrow(/answered 200 to blob sha256:.* from byte 100: it knows no ranges/);
  });

  test('fails with the words of the registry when it isn\'t there', async () => {
    await expect(source.blob(APP, { ...wanted, digest: image({ seed: 2 }).blobs[0].digest }, 0)).rejects.toThrow(/answered 404 to blob .*BLOB_UNKNOWN/);
  });

  test('fails on redirects in a circle', async () => {
    ghcr.faults.add({ path: /blobs/, fault: { kind: 'status', status: 307, headers: { location: `${ghcr.url}/v2/${APP}/blobs/${blob.digest}` } }, times: Infinity });
    await expect(source.blob(APP, wanted, 0)).rejects.toThrow('in a circle: more than 5 times');
  });
});

describe('a repository whose token was asked for early', () => {
  const prepared = (password: string): SourceRegistry => {
    const registry = new Registry({ connections, login: () => ({ host: ghcr.host, user: 'token', password }) });
    registry.prepare(APP);
    registry.prepare(APP);
    return sourceRegistry(registry);
  };

  test('is read without a refused request, with one token', async () => {
    expect((await prepared('good').manifest(APP, content.digest)).bytes).toEqual(content.bytes);
    const refused = ghcr.requests.filter(({ status }) => status === 401).map(({ path }) => path);
    expect({ refused, tokens: tokens() }).toEqual({ refused: ['/v2/'], tokens: 1 });
  });

  test('fails as it does without, when the token is refused', async () => {
    const late = await open('bad').manifest(APP, content.digest).catch((error: unknown) => error);
    await expect(prepared('bad').manifest(APP, content.digest)).rejects.toEqual(late);
    expect(late).toBeInstanceOf(RegistryError);
  });

  test('is read when the registry did not answer the early request', async () => {
    ghcr.faults.add({ path: /^\/v2\/$/, fault: { kind: 'reset' } });
    expect((await prepared('good').manifest(APP, content.digest)).bytes).toEqual(content.bytes);
  });
});

test('asks for the token over the connection on which it was refused', async () => {
  const opened = new Set<number | undefined>();
  const send = connections.send.bind(connections);
  connections.send = async (url, options) => {
    const response = await send(url, options);
    opened.add(response.socket.localPort);
    return response;
  };
  await source.manifest(APP, content.digest);
  expect(opened.size).toBe(1);
});

describe('a tag', () => {
  test('is at the digest that GHCR gives it now', async () => {
    expect(await source.tagDigest(APP, '1')).toBe(content.digest);
  });

  test('that GHCR does not have is nowhere', async () => {
    expect(await source.tagDigest(APP, 'gone')).toBeUndefined();
  });

  test('is hashed where the registry names no digest', async () => {
    ghcr.faults.add({
      method: 'HEAD', path: /manifests/, fault: { kind: 'status', status: 200, headers: {} }, times: Infinity,
    });
    expect(await source.tagDigest(APP, '1')).toBe(content.digest);
  });

  test('rejects an answer that says neither', async () => {
    answer(403);
    await expect(source.tagDigest(APP, '1')).rejects.toBeInstanceOf(RegistryError);
  });
});

test('a blob is in the repository that has it, and in no other', async () => {
  const [blob] = content.blobs;
  expect(await source.hasBlob(APP, blob.digest)).toBe(true);
  expect(await source.hasBlob('my-org/other', blob.digest)).toBe(false);
});
