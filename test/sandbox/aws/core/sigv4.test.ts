import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { parseAuthorization, sign, SignedRequest, verifySignature } from '../../../../sandbox/aws/core/sigv4';

const credentials = {
  accessKeyId: 'ASIAEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: 'token',
  principal: { arn: 'arn:aws:sts::111122223333:assumed-role/R/S' },
};
const now = Date.UTC(2026, 0, 2, 3, 4, 5);

/** A request as the SDK signs it, taken from it before it is sent. */
async function signed(
  path = '/2015-03-31/functions/arn%3Aaws%3Alambda%3Ax/invocations',
  body = '{"a":1}',
  query: Record<string, string> = {},
): Promise<SignedRequest> {
  const search = new URLSearchParams(query).toString();
  return new Promise((resolve, reject) => {
    const client = new SQSClient({
      region: 'eu-west-1',
      credentials,
      endpoint: 'http://127.0.0.1:1234',
      systemClockOffset: now - Date.now(),
      maxAttempts: 1,
      requestHandler: {
        handle: async (request: {
          readonly method: string;
          readonly headers: Record<string, string>;
        }): Promise<never> => {
          resolve({
            method: request.method,
            url: path + (search === '' ? '' : `?${search}`),
            headers: request.headers,
            body: Buffer.from(body),
          });
          throw new Error('not sent');
        },
      },
    });
    client.middlewareStack.add(next => async args => {
      Object.assign(args.request as object, { path, body, query });
      return next(args);
    }, { step: 'build', priority: 'low' });
    client.send(new ListQueuesCommand({})).catch((error: unknown) => {
      if (String(error) !== 'Error: not sent') { reject(error); }
    });
  });
}

const verify = (request: SignedRequest, at = now, region = 'eu-west-1'): void =>
  verifySignature(request, parseAuthorization(request.headers.authorization), credentials, region, at);

describe('verifySignature', () => {
  test.each<[string, () => Promise<SignedRequest>]>([
    ['a request of the SDK', () => signed()],
    ['an empty body', () => signed('/', '')],
    ['a query', () => signed('/x', '', { b: '2 3', a: 'ü' })],
  ])('accepts %s', async (_, request) => {
    const made = await request();
    expect(() => verify(made)).not.toThrow();
  });

  test.each<[string, (request: SignedRequest) => SignedRequest, string]>([
    ['another body', request => ({ ...request, body: Buffer.from('{}') }), 'signature we calculated does not match'],
    ['another path', request => ({ ...request, url: '/other' }), 'signature we calculated does not match'],
    ['another method', request => ({ ...request, method: 'PUT' }), 'signature we calculated does not match'],
    ['another value of a signed header',
      request => ({ ...request, headers: { ...request.headers, host: 'elsewhere' } }),
      'signature we calculated does not match'],
    ['an x-amz header that was not signed',
      request => ({ ...request, headers: { ...request.headers, 'x-amz-invocation-type': 'Event' } }),
      '\'x-amz-invocation-type\' must be signed'],
    ['another session token', request => ({ ...request, headers: { ...request.headers, 'x-amz-security-token': 'x' } }),
      'security token included in the request is invalid'],
  ])('rejects %s', async (_, change, message) => {
    const request = change(await signed());
    expect(() => verify(request)).toThrow(message);
  });

  test('rejects another region', async () => {
    const request = await signed();
    expect(() => verify(request, now, 'us-east-1')).toThrow('Credential should be scoped to a valid region');
  });

  test('rejects a request that is six minutes old', async () => {
    const request = await signed();
    expect(() => verify(request, now + 6 * 60_000)).toThrow('Signature expired');
  });
});

describe('sign', () => {
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html and
  // AWS's test suite ("get-vanilla")
  test('gives the signature of AWS\'s own example', () => {
    const request = {
      method: 'GET',
      url: '/',
      headers: { 'host': 'example.amazonaws.com', 'x-amz-date': '20150830T123600Z' },
      body: Buffer.alloc(0),
    };
    const scope = {
      accessKeyId: 'AKIDEXAMPLE',
      date: '20150830',
      region: 'us-east-1',
      service: 'service',
      signedHeaders: ['host', 'x-amz-date'],
    };
    expect(sign(request, scope, 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', '20150830T123600Z'))
      .toBe('5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31');
  });
});

describe('parseAuthorization', () => {
  test.each([
    ['nothing', undefined, 'Missing Authentication Token'],
    ['another scheme', 'Basic abc', 'isn\'t a complete Signature Version 4'],
    ['a short scope',
      `AWS4-HMAC-SHA256 Credential=A/20260101/eu-west-1/sqs, SignedHeaders=host, Signature=${'0'.repeat(64)}`,
      'isn\'t a complete Signature Version 4'],
  ])('rejects %s', (_, header, message) => {
    expect(() => parseAuthorization(header)).toThrow(message);
  });
});
