import { causeOf } from '../../../../lambda/sync/resilience/causes';
import { FailureCause, fixOf } from '../../../../lambda/sync/resilience/failure-cause';
import { SkopeoError } from '../../../../lambda/sync/skopeo/errors';

const DIGEST = 'sha256:4290000000000000000000000000000000000000000000000000000000000502';

describe('the cause of what skopeo prints', () => {
  // As skopeo 1.9 to 1.18 print them; sources: the issues of skopeo 1223, 1416, 2101, 2168, 2723,
  // 2841, of container-libs 42, 93.
  test.each<[FailureCause, string]>([
    ['lag', `initializing source docker://ghcr.io/my-org/app@${DIGEST}: reading manifest ${DIGEST} in ghcr.io/my-org/app: manifest unknown`],
    ['lag', `Error reading manifest ${DIGEST} in ghcr.io/my-org/app: manifest unknown: manifest unknown`],
    ['lag', 'reading manifest: StatusCode: 404, {"errors":[{"code":"MANIFEST_UNKNOWN","message":"..."}]}'],
    ['throttled',
      'uploading manifest 3.10.18-r0 to 111122223333.dkr.ecr.eu-central-1.amazonaws.com/my-org/python: '
        + 'toomanyrequests: Rate exceeded'],
    ['throttled', 'reading blob: fetching blob: received unexpected HTTP status: 429 Too Many Requests'],
    ['throttled', 'trying to reuse blob at destination: StatusCode: 429, ""'],
    ['login',
      'writing blob: initiating layer upload to /v2/my-org/app/blobs/uploads/ in quay.io: unauthorized: '
        + 'access to the requested resource is not authorized'],
    ['denied', 'initializing source docker://ghcr.io/my-org/app@sha256:1: reading manifest sha256:1 in ghcr.io/my-org/app: denied: denied'],
    ['denied', 'initializing source: Requesting bearer token: invalid status code from registry 403 (Forbidden)'],
    ['login', 'checking whether a blob exists in target: authentication required'],
    ['login', 'pinging container registry: StatusCode: 401, ""'],
    ['login',
      'trying to reuse blob sha256:1 at destination: failed to read from destination repository '
        + 'my-org/app: 403 (Forbidden)'],
    ['login',
      'reading blob sha256:1: unable to retrieve auth token: invalid username/password: errors: unauthorized: '
        + 'authentication required unauthorized'],
    ['conflict',
      'uploading manifest 1 to 1.dkr.ecr/my-org/app: tag invalid: The image tag \'1\' already exists in the '
        + '\'my-org/app\' repository and cannot be overwritten because the tag is immutable.'],
    ['unknown', 'writing blob: uploading layer chunked: StatusCode: 400, "<html><body><h1>400 Bad request</h1>'],
    ['unknown', 'skopeo ended with 1 and no message'],
    ['network', 'writing blob: Patch "https://1.dkr.ecr/v2/my-org/app/blobs/uploads/5c3f5598": EOF'],
    ['network', 'reading blob sha256:1: unexpected EOF'],
    ['overloaded', 'initializing source docker://ghcr.io/a/b: pinging container registry ghcr.io: received unexpected HTTP status: 502 Bad Gateway'],
    ['overloaded', 'reading blob: fetching blob: invalid status code from registry 503 (Service Unavailable)'],
    ['overloaded', 'reading blob: fetching blob: received unexpected HTTP status: 500 Internal Server Error'],
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
    ['unsupported',
      'copying image: Manifest list must be converted to type '
        + '"application/vnd.docker.distribution.manifest.list.v2+json" to be written to destination'],
    ['unsupported', 'Invalid parameter at \'ImageManifest\' failed to satisfy constraint: \'Invalid JSON syntax\''],
    ['missing',
      'Layers with digests \'[sha256:1]\' required for pushing image into repository with name \'my-org/app\' in the '
        + 'registry with id \'1\' do not exist'],
    ['unsupported', 'uploading manifest sha256-1 to 1.dkr.ecr/my-org/app: StatusCode: 405, ""'],
  ])('%s: %s', (cause, message) => {
    expect(causeOf(new SkopeoError(message))).toBe(cause);
    expect(fixOf(cause)).toMatch(/\.$/);
  });

  test.each<[string, FailureCause, string]>([
    ['a tag with 403 in it', 'network', 'uploading manifest 1.403.0 to 1.dkr.ecr/my-org/app: connection reset by peer'],
    ['a tag with 401 in it', 'network', 'uploading manifest v2-401 to 1.dkr.ecr/my-org/app: unexpected EOF'],
    ['a tag with 502 in it', 'denied', 'uploading manifest 1.502.3 to 1.dkr.ecr/my-org/app: denied by somebody'],
    ['a tag with 429 in it', 'unknown', 'uploading manifest 429.1 to 1.dkr.ecr/my-org/app: tag invalid'],
    ['a port with 503 in it', 'unknown', 'pinging container registry registry:503: invalid reference format'],
  ])('is not misled by %s', (_, cause, message) => {
    expect(causeOf(new SkopeoError(message))).toBe(cause);
  });
});
