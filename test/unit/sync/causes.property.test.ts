import { createServer, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { Registry } from '../../../lambda/sync/registry/client';
import { Connections } from '../../../lambda/sync/registry/connections';
import { sourceRegistry } from '../../../lambda/sync/registry/source';
import { causeOf } from '../../../lambda/sync/resilience/causes';
import type { FailureCause } from '../../../lambda/sync/resilience/failure-cause';
import { SkopeoError } from '../../../lambda/sync/skopeo/errors';
import { withoutNames } from '../../../lambda/sync/skopeo/names';
import { isRepositoryName, isTag } from '../../../src/image-name';

/** The words by which failures are described: names that hold them are legal, and say nothing. */
const WORDS = [
  'app', 'denied', 'forbidden', 'unsupported', 'throttle', 'throttling', 'timeout', 'socket', 'unauthorized', 'eof',
  'unknown', 'manifest', 'blob', 'token', 'expired', 'expiredtoken', 'toomanyrequests', 'rate', 'exceeded', 'immutable',
  'goaway', 'connection', 'reset', 'refused', 'bad', 'gateway', '401', '403', '405', '429', '500', '502', '503', 'not',
  'authorized', 'invalid',
];

const word = fc.constantFrom(...WORDS);
const component = fc.tuple(word, fc.array(fc.tuple(fc.constantFrom('-', '.', '_', '__'), word), { maxLength: 3 }))
  .map(([first, others]) => first + others.flat().join(''));
const repository = fc.array(component, { minLength: 1, maxLength: 3 })
  .map(parts => parts.join('/'))
  .filter(isRepositoryName);
const tagWord = fc.oneof(
  word,
  word.map(text => text.toUpperCase()),
  fc.constantFrom('ExpiredToken', 'MANIFEST_UNKNOWN', 'BLOB_UNKNOWN', 'DENIED', 'v1'),
);
const tag = fc.array(tagWord, { minLength: 1, maxLength: 4 })
  .chain(parts => fc.constantFrom('-', '.', '_').map(mark => parts.join(mark)))
  .filter(isTag);
const digest = fc.array(
  fc.constantFrom('401', '403', '429', '500', '502', '503', 'dead', 'beef'),
  { minLength: 22, maxLength: 22 },
)
  .map(parts => `sha256:${parts.join('').padEnd(64, '0').slice(0, 64)}`);

interface Names { readonly source: string; readonly repository: string; readonly tag: string; readonly digest: string }

const names: fc.Arbitrary<Names> = fc.record({ source: repository, repository, tag, digest });
const NEUTRAL: Names = {
  source: 'my-org/app',
  repository: 'mirror/app',
  tag: 'v1',
  digest: `sha256:${'a'.repeat(64)}`,
};

describe('whatever names occur, the same answer of a registry gives the same cause', () => {
  let server: Server;
  let host: string;
  let connections: Connections;
  let answer: { status: number; body: string; headers: Record<string, string> };
  beforeAll(async () => {
    server = createServer((_, response) => { response.writeHead(answer.status, answer.headers).end(answer.body); });
    await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve); });
    host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    connections = new Connections();
  });
  afterAll(() => {
    connections.close();
    server.close();
  });

  async function cause({ source, digest: own }: Names, basic: boolean): Promise<FailureCause> {
    const registry = sourceRegistry(
      new Registry({ connections, login: () => ({ host, user: 'token', password: 'good' }), basic }),
    );
    return causeOf(await registry.manifest(source, own).then(() => undefined, (error: unknown) => error));
  }

  const error = (code: string) => ({ source, digest: own }: Names): string => (
    JSON.stringify({ errors: [{ code, message: `${source}@${own} can't be had`, detail: { name: source } }] })
  );

  test.each<[number, string, (quoted: Names) => string]>([
    [503, '', () => ''],
    [503, ' with a page', ({ source }) => `<html>${source} is down</html>`],
    [429, '', error('TOOMANYREQUESTS')],
    [404, '', error('MANIFEST_UNKNOWN')],
    [404, ' without a code', ({ source }) => `no ${source}`],
    [403, '', error('DENIED')],
    [401, '', error('UNAUTHORIZED')],
    [400, '', error('MANIFEST_INVALID')],
    [400, ' of an unknown kind', error('SOMETHING')],
    [405, '', error('UNSUPPORTED')],
    [200, ' with other bytes', ({ source }) => source],
  ])('%i%s', async (status, _, body) => {
    await fc.assert(fc.asyncProperty(names, fc.boolean(), async (given, basic) => {
      const of = (quoted: Names): Promise<FailureCause> => {
        answer = { status, body: body(quoted), headers: {} };
        return cause(quoted, basic);
      };
      expect(await of(given)).toBe(await of(NEUTRAL));
    }), { numRuns: 40 });
  });
});

const HOST = '111122223333.dkr.ecr.eu-central-1.amazonaws.com';

describe('whatever names occur, the same output of skopeo gives the same cause', () => {
  test.each<[FailureCause, (quoted: Names) => string]>([
    ['lag', ({ source, digest: own }) => `initializing source docker://ghcr.io/${source}@${own}: reading manifest ${own} in ghcr.io/${source}: manifest unknown`],
    ['throttled', ({
      repository: to,
      tag: put,
    }) => `writing manifest: uploading manifest ${put} to ${HOST}/${to}: toomanyrequests: Rate exceeded`],
    [
      'overloaded',
      ({ source, digest: own }) =>
        `reading blob ${own}: fetching blob of ghcr.io/${source}: invalid status code from registry `
          + '503 (Service Unavailable)',
    ],
    ['denied', ({ source, digest: own }) => `initializing source docker://ghcr.io/${source}@${own}: reading manifest ${own} in ghcr.io/${source}: denied: denied`],
    ['login', ({ repository: to, digest: own }) =>
      `trying to reuse blob ${own} at destination: failed to read from destination repository ${to}: 403 (Forbidden)`],
    [
      'login',
      ({ repository: to }) =>
        `writing blob: initiating layer upload to /v2/${to}/blobs/uploads/ in ${HOST}: unauthorized: `
          + 'access to the requested resource is not authorized',
    ],
    ['conflict', ({ repository: to, tag: put }) => (
      `uploading manifest ${put} to ${HOST}/${to}: tag invalid: The image tag '${put}' already exists in the '${to}' `
        + 'repository and cannot be overwritten because the tag is immutable.')],
    ['missing', ({
      repository: to,
      digest: own,
    }) => `Layers with digests '[${own}]' required for pushing image into repository with name '${to}' do not exist`],
    ['network', ({ repository: to }) => `writing blob: Patch "https://${HOST}/v2/${to}/blobs/uploads/5c3f5598": EOF`],
    ['network', ({ repository: to, tag: put }) => `Put "https://${HOST}/v2/${to}/manifests/${put}": read tcp 10.0.0.1:5000->10.0.0.2:443: read: connection reset by peer`],
    ['unknown', ({
      repository: to,
      tag: put,
    }) => `uploading manifest ${put} to ${HOST}/${to}: StatusCode: 400, "<html>no</html>"`],
    ['unknown', ({ source, digest: own }) => `copying docker://ghcr.io/${source}@${own}: something that nobody has seen`],
    ['unsupported',
      ({ repository: to, tag: put }) => `uploading manifest ${put} to ${HOST}/${to}: StatusCode: 405, ""`],
  ])('%s: %#', (cause, message) => {
    fc.assert(fc.property(names, given => {
      const called = [
        `ghcr.io/${given.source}@${given.digest}`,
        `${HOST}/${given.repository}:${given.tag}`,
        `/tmp/${given.tag}/auth.json`,
      ];
      expect(causeOf(new SkopeoError(message(given), called))).toBe(cause);
    }), { numRuns: 300 });
  });

  test('a name that is a word of the message is taken out as a name alone', () => {
    const message = 'initializing source docker://ghcr.io/denied@sha256:1: reading manifest sha256:1 in ghcr.io/denied: denied: denied';
    expect(withoutNames(message, ['ghcr.io/denied@sha256:1'])).toBe('initializing source docker://…: reading manifest … in …: denied: denied');
  });
});
