import fc from 'fast-check';
import { backoff, causeOf, FailureCause, fixOf, withRetry } from '../../../../lambda/sync/resilience/failure';
import { FakeTime } from '../../shared/fake-time';

const DIGEST = 'sha256:4290000000000000000000000000000000000000000000000000000000000502';

describe('causeOf', () => {
  // As skopeo 1.9 to 1.18 print them; sources: the issues of skopeo 1223, 1416, 2101, 2168, 2723, 2841, of container-libs 42, 93.
  test.each<[FailureCause, string]>([
    ['lag', `initializing source docker://ghcr.io/my-org/app@${DIGEST}: reading manifest ${DIGEST} in ghcr.io/my-org/app: manifest unknown`],
    ['lag', `Error reading manifest ${DIGEST} in ghcr.io/my-org/app: manifest unknown: manifest unknown`],
    ['lag', 'reading manifest: StatusCode: 404, {"errors":[{"code":"MANIFEST_UNKNOWN","message":"..."}]}'],
    ['throttled', 'uploading manifest 3.10.18-r0 to 111122223333.dkr.ecr.eu-central-1.amazonaws.com/my-org/python: toomanyrequests: Rate exceeded'],
    ['throttled', 'reading blob: fetching blob: received unexpected HTTP status: 429 Too Many Requests'],
    ['throttled', 'trying to reuse blob at destination: StatusCode: 429, ""'],
    ['login', 'writing blob: initiating layer upload to /v2/my-org/app/blobs/uploads/ in quay.io: unauthorized: access to the requested resource is not authorized'],
    ['denied', 'initializing source docker://ghcr.io/my-org/app@sha256:1: reading manifest sha256:1 in ghcr.io/my-org/app: denied: denied'],
    ['denied', 'initializing source: Requesting bearer token: invalid status code from registry 403 (Forbidden)'],
    ['login', 'checking whether a blob exists in target: authentication required'],
    ['login', 'pinging container registry: StatusCode: 401, ""'],
    ['login', 'trying to reuse blob sha256:1 at destination: failed to read from destination repository my-org/app: 403 (Forbidden)'],
    ['login', 'reading blob sha256:1: unable to retrieve auth token: invalid username/password: errors: unauthorized: authentication required unauthorized'],
    ['conflict', 'uploading manifest 1 to 1.dkr.ecr/my-org/app: tag invalid: The image tag \'1\' already exists in the \'my-org/app\' repository and cannot be overwritten because the tag is immutable.'],
    ['unknown', 'writing blob: uploading layer chunked: StatusCode: 400, "<html><body><h1>400 Bad request</h1>'],
    ['unknown', 'skopeo ended with 1 and no message'],
    ['network', 'writing blob: Patch "https://1.dkr.ecr/v2/my-org/app/blobs/uploads/5c3f5598": EOF'],
    ['network', 'reading blob sha256:1: unexpected EOF'],
    ['network', 'initializing source docker://ghcr.io/a/b: pinging container registry ghcr.io: received unexpected HTTP status: 502 Bad Gateway'],
    ['network', 'reading blob: fetching blob: invalid status code from registry 503 (Service Unavailable)'],
    ['network', 'reading blob: fetching blob: received unexpected HTTP status: 500 Internal Server Error'],
    ['network', 'Get "https://ghcr.io/v2/": dial tcp 140.82.121.33:443: i/o timeout'],
    ['network', 'Get "https://ghcr.io/v2/": net/http: TLS handshake timeout'],
    ['network', 'Get "https://ghcr.io/v2/": dial tcp: lookup ghcr.io: no such host'],
    ['network', 'read tcp 10.0.0.1:5000->10.0.0.2:443: read: connection reset by peer'],
    ['network', 'writing blob: Patch "https://1.dkr.ecr/v2/my-org/app/blobs/uploads/4211057a": use of closed network connection'],
    ['network', 'Get "https://ghcr.io/v2/": dial tcp 140.82.121.33:443: connect: connection timed out'],
    ['network', 'Get "https://ghcr.io/v2/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'],
    ['network', 'reading blob sha256:1: stream error: stream ID 7; INTERNAL_ERROR; received from peer'],
    ['network', 'reading blob sha256:1: http2: server sent GOAWAY and closed the connection'],
    ['network', 'Get "https://ghcr.io/v2/": dial tcp 140.82.121.33:443: connect: network is unreachable'],
    ['expired', 'writing blob: Patch "https://1.dkr.ecr/v2/my-org/app/blobs/uploads/1": denied: Your authorization token has expired. Reauthenticate and try again.'],
    ['unsupported', 'copying image: Manifest list must be converted to type "application/vnd.docker.distribution.manifest.list.v2+json" to be written to destination'],
    ['unsupported', 'Invalid parameter at \'ImageManifest\' failed to satisfy constraint: \'Invalid JSON syntax\''],
    ['missing', 'Layers with digests \'[sha256:1]\' required for pushing image into repository with name \'my-org/app\' in the registry with id \'1\' do not exist'],
    ['login', '1.dkr.ecr answered 403 to the question for blob sha256:1 in my-org/app without a reason'],
    ['expired', '1.dkr.ecr answered 403 to the start of an upload to my-org/app: {"errors":[{"code":"DENIED","message":"Your authorization token has expired. Reauthenticate and try again."}]}'],
    ['network', 'ghcr.io answered 200 to blob sha256:1 of my-org/app from byte 100: it knows no ranges, and what the closed connection brought is lost.'],
    ['network', 'ghcr.io: connection failed: Error: socket hang up'],
    ['network', 'connection closed after 70000 of 200000 bytes of blob sha256:1: Error: aborted'],
    ['unsupported', 'uploading manifest sha256-1 to 1.dkr.ecr/my-org/app: StatusCode: 405, ""'],
  ])('%s: %s', (cause, message) => {
    expect(causeOf(message)).toBe(cause);
    expect(fixOf(cause)).toMatch(/\.$/);
  });

  test.each<[string, FailureCause, string]>([
    ['a tag with 403 in it', 'network', 'uploading manifest 1.403.0 to 1.dkr.ecr/my-org/app: connection reset by peer'],
    ['a tag with 401 in it', 'network', 'uploading manifest v2-401 to 1.dkr.ecr/my-org/app: unexpected EOF'],
    ['a tag with 502 in it', 'denied', 'uploading manifest 1.502.3 to 1.dkr.ecr/my-org/app: denied by somebody'],
    ['a tag with 429 in it', 'unknown', 'uploading manifest 429.1 to 1.dkr.ecr/my-org/app: tag invalid'],
    ['a port with 503 in it', 'unknown', 'pinging container registry registry:503: invalid reference format'],
  ])('is not misled by %s', (_, cause, message) => {
    expect(causeOf(message)).toBe(cause);
  });
});

describe('backoff', () => {
  test.each([[1, 0, 500], [1, 1, 1_000], [2, 0, 1_000], [2, 1, 2_000], [5, 1, 16_000], [6, 1, 30_000], [60, 1, 30_000], [60, 0, 15_000]])(
    'after try %i and a draw of %d is %i ms', (attempt, draw, ms) => {
      expect(backoff(attempt, () => draw)).toBe(ms);
    });

  test('stays within its bounds', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 1_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, draw) => {
      const wait = backoff(attempt, () => draw);
      expect(wait).toBeGreaterThanOrEqual(500);
      expect(wait).toBeLessThanOrEqual(30_000);
    }));
  });
});

describe('withRetry', () => {
  let time: FakeTime;
  let tries: number;
  let retries: FailureCause[];
  beforeEach(() => {
    time = new FakeTime();
    tries = 0;
    retries = [];
  });

  /** Work that ends as each outcome says; the last repeats. */
  function run(...outcomes: readonly (Error | string)[]): Promise<string> {
    const work = async (): Promise<string> => {
      const outcome = outcomes[Math.min(tries++, outcomes.length - 1)];
      if (outcome instanceof Error) { throw outcome; }
      return outcome;
    };
    return withRetry(work, { sleep: ms => time.sleep(ms), random: () => 1, onRetry: (_, cause) => { retries.push(cause); } });
  }

  test('tries once when the work is done', async () => {
    expect(await run('done')).toBe('done');
    expect([tries, time.slept, retries]).toEqual([1, [], []]);
  });

  test('tries again, with growing waits, while the failure can pass', async () => {
    expect(await run(new Error('manifest unknown'), new Error('toomanyrequests'), new Error('unexpected EOF'), 'done')).toBe('done');
    expect(time.slept).toEqual([1_000, 2_000, 4_000]);
    expect(retries).toEqual(['lag', 'throttled', 'network']);
  });

  test.each(['denied', 'The image tag already exists and is immutable', 'manifest invalid'])('fails at once on "%s", where another try cannot help', async message => {
    await expect(run(new Error(message))).rejects.toThrow(message);
    expect([tries, time.slept]).toEqual([1, []]);
  });

  test.each([['manifest unknown', 6], ['toomanyrequests', 8], ['unexpected EOF', 5], ['token has expired', 2], ['unauthorized', 2], ['what is this', 2]])(
    'fails on "%s" with the last failure, after %i tries', async (message, count) => {
      const failure = new Error(message);
      await expect(run(failure)).rejects.toBe(failure);
      expect(tries).toBe(count);
    });
});
