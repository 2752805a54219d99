import { RetryLater } from '../../../lambda/sync/failure';
import { SourceRegistry, sourceRegistry } from '../../../lambda/sync/source-registry';
import { Faults } from '../../fakes/faults';
import { HttpServer } from '../../fakes/http-server';
import { RegistryClient } from '../../fakes/registry/client';
import { startGhcr } from '../../fakes/registry/ghcr';
import { image } from '../../fakes/registry/images';
import { startRegistry } from '../../fakes/registry/registry';

const APP = 'my-org/app';
const content = image();

let backing: HttpServer;
let ghcr: HttpServer;
let now: number;
let count: number;
let source: SourceRegistry;
beforeEach(async () => {
  [now, count] = [1_000_000, 0];
  backing = await startRegistry();
  await new RegistryClient(backing).push(APP, content, '1');
  ghcr = await startGhcr({ backing, allows: (_user, password) => password === 'good', tokenLifetimeMs: 1_000, now: () => now, faults: new Faults() });
  source = open('good');
});
afterEach(async () => {
  await ghcr.close();
  await backing.close();
});

function open(token: string): SourceRegistry {
  return sourceRegistry({ host: ghcr.host, user: 'token', token: () => token, count: () => { count++; } });
}

const tokens = (): number => ghcr.requests.filter(({ path }) => path.startsWith('/token')).length;
const answer = (status: number, headers: Record<string, string> = {}): void => {
  ghcr.faults.add({ path: /manifests/, fault: { kind: 'status', status, headers }, times: Infinity });
};

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
  expect(error).toBeInstanceOf(RetryLater);
  expect(error).toMatchObject({ waitMs: 7_000, message: expect.stringContaining('answered 429') as string });
});

test('fails on bytes that are not those of the digest', async () => {
  ghcr.faults.add({ path: /manifests/, fault: { kind: 'status', status: 200, body: '{}' }, times: Infinity });
  await expect(source.manifest(APP, content.digest)).rejects.toThrow('does not match expected digest');
});

test.each([['reset', { kind: 'reset' }], ['cut off', { kind: 'truncate', afterBytes: 10 }]] as const)('fails with the reason when the connection is %s', async (_, fault) => {
  await source.manifest(APP, content.digest);
  ghcr.faults.add({ path: /manifests/, fault, times: Infinity });
  await expect(source.manifest(APP, content.digest)).rejects.toThrow(/fetch failed|connection closed/);
});
