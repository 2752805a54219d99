import {
  ECRServiceException,
  ImageTagAlreadyExistsException,
  LayersNotFoundException,
  ReferencedImagesNotFoundException,
} from '@aws-sdk/client-ecr';
import {
  causeOfRefusal,
  DigestMismatch,
  errorCodes,
  InvalidManifest,
  NetworkError,
  RangeIgnored,
  retryAfterMs,
} from '../../../../lambda/sync/registry/errors';
import { causeOf, retryAfterOf } from '../../../../lambda/sync/resilience/causes';
import type { FailureCause } from '../../../../lambda/sync/resilience/failure-cause';

describe('a registry\'s answer', () => {
  test.each<[FailureCause, number, string[]]>([
    ['lag', 404, ['MANIFEST_UNKNOWN']],
    ['lag', 404, ['NAME_UNKNOWN']],
    ['lag', 404, ['BLOB_UNKNOWN']],
    ['network', 404, ['BLOB_UPLOAD_UNKNOWN']],
    ['unknown', 404, []],
    ['throttled', 429, []],
    ['throttled', 403, ['TOOMANYREQUESTS']],
    ['overloaded', 500, []],
    ['overloaded', 503, ['DENIED']],
    ['login', 401, []],
    ['denied', 403, ['DENIED']],
    ['denied', 403, []],
    ['unsupported', 405, []],
    ['unsupported', 415, []],
    ['unsupported', 400, ['MANIFEST_INVALID']],
    ['network', 400, ['DIGEST_INVALID']],
    ['network', 408, []],
    ['unknown', 400, []],
    ['unknown', 400, ['SOMETHING_NEW']],
    ['unsupported', 400, ['SOMETHING_NEW', 'UNSUPPORTED']],
  ])('is %s: %i %j', (cause, status, codes) => {
    expect(causeOfRefusal({ status, codes, hasBody: true, basicLogin: false })).toBe(cause);
  });

  test.each([['without a reason', false, false], ['to a login that was sent itself', true, true]])(
    '403 %s may be an old login',
    (_, hasBody, basicLogin) => {
      expect(causeOfRefusal({ status: 403, codes: [], hasBody, basicLogin })).toBe('login');
    },
  );

  test.each<[string, string[]]>([
    ['{"errors":[{"code":"DENIED","message":"no"},{"code":"unsupported"}]}', ['DENIED', 'UNSUPPORTED']],
    ['{"errors":[{"message":"no"},null,7]}', []],
    ['{"errors":"DENIED"}', []],
    ['["DENIED"]', []],
    ['<html>DENIED</html>', []],
    ['', []],
  ])('%s has the codes %j', (body, codes) => {
    expect(errorCodes(Buffer.from(body))).toEqual(codes);
  });

  test.each<[string | undefined, number | undefined]>([
    [undefined, undefined], ['7', 7_000], ['0', undefined], ['soon', undefined],
    ['Thu, 01 Jan 1970 00:01:05 GMT', 5_000], ['Thu, 01 Jan 1970 00:00:05 GMT', undefined],
  ])('with retry-after %s waits %s ms', (header, ms) => {
    expect(retryAfterMs(header, 60_000)).toBe(ms);
  });
});

describe('an error', () => {
  const aws = (name: string, httpStatusCode?: number): Error =>
    new ECRServiceException({ name, message: '', $fault: 'client', $metadata: { httpStatusCode } });
  const coded = (code: string): Error => Object.assign(new Error('connect'), { code });

  test.each<[FailureCause, Error]>([
    ['conflict', new ImageTagAlreadyExistsException({ message: '', $metadata: {} })],
    ['missing', new LayersNotFoundException({ message: '', $metadata: {} })],
    ['missing', new ReferencedImagesNotFoundException({ message: '', $metadata: {} })],
    ['throttled', aws('ThrottlingException', 400)],
    ['throttled', aws('Unheard', 429)],
    ['denied', aws('AccessDeniedException', 400)],
    ['denied', aws('Unheard', 403)],
    ['login', aws('Unheard', 401)],
    ['expired', aws('ExpiredTokenException', 403)],
    ['unsupported', aws('InvalidParameterException', 400)],
    ['unsupported', aws('Unheard', 405)],
    ['overloaded', aws('Unheard', 500)],
    ['unknown', aws('Unheard', 400)],
    ['network', aws('TimeoutError')],
    ['network', coded('ECONNRESET')],
    ['unknown', coded('ENOSPC')],
    ['network', new NetworkError('closed')],
    ['network', new DigestMismatch('others')],
    ['network', new RangeIgnored('all')],
    ['invalid', new InvalidManifest('no JSON')],
    ['unknown', new Error('toomanyrequests: denied: unsupported')],
  ])('is %s: %s', (cause, error) => {
    expect(causeOf(error)).toBe(cause);
    expect(causeOf(new Error('wrapped', { cause: new Error('twice', { cause: error }) }))).toBe(cause);
  });

  test('that is none has no cause, and a circle of causes ends', () => {
    const circle = new Error('circle');
    circle.cause = circle;
    expect([causeOf('denied'), causeOf(undefined), causeOf(circle), retryAfterOf(circle)])
      .toEqual(['unknown', 'unknown', 'unknown', 0]);
  });
});
