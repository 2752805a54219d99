import { BlobJob, BlobMover, blobMover } from '../../../../lambda/sync/copy/blobs';
import { Registry } from '../../../../lambda/sync/registry/client';
import { Connections } from '../../../../lambda/sync/registry/connections';
import { sourceRegistry } from '../../../../lambda/sync/registry/source';
import { targetBlobs } from '../../../../lambda/sync/registry/target';
import { Faults } from '../../../../sandbox/faults';
import { HttpServer } from '../../../../sandbox/http-server';
import { RegistryClient } from '../../../../sandbox/registry/client';
import { startGhcr } from '../../../../sandbox/registry/ghcr';
import { image, layer, Manifest } from '../../../../sandbox/registry/images';
import { startRegistry } from '../../../../sandbox/registry/registry';

const FROM = 'my-org/app';
const TO = 'mirror/app';

const content = image({
  layers: [layer({ seed: 'large', layerBytes: 3_000_000 }), layer({ seed: 'small', layerBytes: 500 })],
});
const [large, small] = [content.blobs.find(({
  bytes,
}) => bytes.length > 1_000_000), content.blobs.find(({ bytes }) => bytes.length < 5_000)] as Manifest['blobs'];

let backing: HttpServer;
let ghcr: HttpServer;
let storage: Faults;
let target: HttpServer;
let connections: Connections;
let mover: BlobMover;
const lines: string[] = [];
const never = new AbortController().signal;

beforeEach(async () => {
  lines.length = 0;
  storage = new Faults();
  backing = await startRegistry();
  await new RegistryClient(backing).push(FROM, content, '1');
  ghcr = await startGhcr({
    backing,
    allows: (_user, password) => password === 'good',
    redirectBlobs: true,
    contentFaults: storage,
  });
  target = await startRegistry();
  connections = new Connections();
  const source = sourceRegistry(
    new Registry({ connections, login: () => ({ host: ghcr.host, user: 'token', password: 'good' }) }),
  );
  const blobs = targetBlobs(
    new Registry({ connections, login: () => ({ host: target.host, user: 'AWS', password: 'any' }), basic: true }),
  );
  mover = blobMover(source, blobs, line => { lines.push(line); });
});
afterEach(async () => {
  connections.close();
  await Promise.all([ghcr, target].map(server => server.close()));
  await backing.close();
});

type Blob = Manifest['blobs'][number];

function move(blob: Blob, options: Partial<BlobJob> = {}): Promise<number> {
  return mover.move(
    { blob: { digest: blob.digest, size: blob.bytes.length }, from: FROM, to: TO, mayBePresent: false, ...options },
    never,
  );
}

function arrived({ digest }: Blob, repository = TO): Promise<Buffer | undefined> {
  return new RegistryClient(target).getBlob(repository, digest);
}

const uploads = (): string[] =>
  target.requests.filter(({ method }) => method !== 'GET').map(({ method, status }) => `${method} ${status}`);

test('moves the bytes with two requests', async () => {
  expect(await move(large)).toBe(large.bytes.length);
  expect(uploads()).toEqual(['POST 202', 'PUT 201']);
  expect((await arrived(large))?.equals(large.bytes)).toBe(true);
});

test('moves no bytes of a blob that is there', async () => {
  await move(small);
  target.requests.length = 0;
  expect(await move(small, { mayBePresent: true })).toBe(0);
  expect(uploads()).toEqual(['HEAD 200']);
});

test('moves a blob that could have been there', async () => {
  expect(await move(small, { mayBePresent: true })).toBe(small.bytes.length);
  expect(uploads()).toEqual(['HEAD 404', 'POST 202', 'PUT 201']);
});

test('mounts what another repository has', async () => {
  await move(large, { to: 'mirror/first' });
  const before = ghcr.requests.length;
  expect(await move(large, { mountFrom: 'mirror/first' })).toBe(0);
  expect(ghcr.requests.slice(before).map(({ method }) => method)).toEqual(['HEAD']);
  expect((await arrived(large))?.equals(large.bytes)).toBe(true);
});

test('rejects a layer of a neighbour that the package itself lacks, instead of mounting it', async () => {
  const [secret] = image({ layers: [layer({ seed: 'a secret of another team' })] }).blobs.slice(-1);
  await new RegistryClient(target).pushBlob('mirror/secret', secret);
  await expect(move(secret, { mountFrom: 'mirror/secret' })).rejects.toThrow(/answered 404/);
  expect(target.requests.filter(({ path }) => path.includes('mount='))).toEqual([]);
  expect(await arrived(secret)).toBeUndefined();
});

test('moves what can not be mounted', async () => {
  expect(await move(large, { mountFrom: 'mirror/nothing' })).toBe(large.bytes.length);
  expect((await arrived(large))?.equals(large.bytes)).toBe(true);
});

test.each([[401], [403]])('moves what may not be mounted (%i), and tells', async status => {
  target.faults.add({ method: 'POST', path: /mount=/, fault: { kind: 'status', status } });
  expect(await move(large, { mountFrom: 'mirror/first' })).toBe(large.bytes.length);
  expect(lines).toEqual([expect.stringMatching(/^sent {5}mirror\/app sha256:\w+: mirror\/first has it, but it may not be mounted: .* answered 40/)]);
});

test('fails when a mount fails for another reason', async () => {
  target.faults.add({ method: 'POST', path: /mount=/, fault: { kind: 'status', status: 503 } });
  await expect(move(large, { mountFrom: 'mirror/first' })).rejects.toThrow(/answered 503 to the mount of blob/);
});

test('goes on where a download broke off, and tells', async () => {
  storage.add(
    { method: 'GET', fault: { kind: 'truncate', afterBytes: 1_000_000 } },
    { method: 'GET', fault: { kind: 'truncate', afterBytes: 700_000 } },
  );
  await move(large);
  expect(uploads()).toEqual(['POST 202', 'PUT 201']);
  expect((await arrived(large))?.equals(large.bytes)).toBe(true);
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/^resume {3}mirror\/app sha256:\w+ from byte \d+: connection closed after \d+ of 3\d+ bytes/);
});

test('fails when a download breaks off again and again at the same byte', async () => {
  storage.add({ method: 'GET', fault: { kind: 'truncate', afterBytes: 0 }, times: Infinity });
  await expect(move(large)).rejects.toThrow(/^connection closed after 0 of 3\d+ bytes of blob/);
  expect(await arrived(large)).toBeUndefined();
});

test.each<[string, string]>([['others', 'x'.repeat(5)], ['fewer', ''], ['more', 'x'.repeat(100_000)]])('fails on %s '
  + 'bytes than the digest says, and leaves nothing behind', async (_, body) => {
  storage.add({ method: 'GET', fault: { kind: 'status', status: 200, body }, times: Infinity });
  const wanted = { digest: small.digest, size: body.length === 5 ? 5 : small.bytes.length };
  await expect(mover.move({ blob: wanted, from: FROM, to: TO, mayBePresent: false }, never)).rejects.toThrow(/does not match expected digest|connection closed after 0/);
  expect(await arrived(small)).toBeUndefined();
});

test.each([
  ['start of an upload', 'POST', 'the start of an upload to mirror/app'],
  ['upload', 'PUT', 'the upload of blob sha256:'],
])('fails with the words of the registry when it refuses the %s', async (_, method, what) => {
  target.faults.add({
    method,
    fault: { kind: 'status', status: 403, body: '{"errors":[{"code":"DENIED","message":"no"}]}' },
  });
  await expect(move(large)).rejects.toThrow(new RegExp(`answered 403 to ${what}.*DENIED`));
});

test('fails when the connection breaks in mid-upload', async () => {
  target.faults.add({ method: 'PUT', fault: { kind: 'reset' } });
  await expect(move(large)).rejects.toThrow(/connection failed/);
});

test('fails when the registry gives no address for the upload', async () => {
  target.faults.add({ method: 'POST', fault: { kind: 'status', status: 202 } });
  await expect(move(large)).rejects.toThrow('gave "" as the address of an upload to mirror/app, expected a URL');
});

test('fails with what the source says when a download can not go on', async () => {
  storage.add({ method: 'GET', fault: { kind: 'truncate', afterBytes: 1_000_000 } });
  ghcr.faults.add({ path: /blobs/, skip: 2, fault: { kind: 'status', status: 429, headers: { 'retry-after': '7' } }, times: Infinity });
  await expect(move(large)).rejects.toMatchObject({ name: 'RegistryError', status: 429, retryAfterMs: 7_000 });
});

test('ends with its signal', async () => {
  storage.add({ method: 'GET', fault: { kind: 'delay', ms: 300 } });
  const stop = new AbortController();
  const moving = mover.move(
    { blob: { digest: large.digest, size: large.bytes.length }, from: FROM, to: TO, mayBePresent: false },
    stop.signal,
  );
  setTimeout(() => stop.abort(), 50);
  await expect(moving).rejects.toThrow(/abort/i);
});
