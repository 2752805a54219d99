import { accessLogLine, checkFormat } from '../../../../../sandbox/aws/services/api-gateway/access-log';
import {
  EventContext,
  HttpRequest,
  isText,
  toAnswer,
  toEvent,
} from '../../../../../sandbox/aws/services/api-gateway/event';

const CONTEXT: EventContext = {
  account: '111122223333',
  apiId: 'abc',
  domainName: 'abc.execute-api.eu-west-1.amazonaws.com',
  requestId: 'id',
  routeKey: 'POST /packages',
  stage: '$default',
  time: Date.UTC(2026, 2, 12, 19, 3, 58),
  traceId: 'Root=1',
  alwaysBase64: false,
};
const REQUEST: HttpRequest = {
  method: 'POST',
  url: '/packages',
  sourceIp: '10.0.0.1',
  protocol: 'HTTP/1.1',
  body: Buffer.from('{"a":1}'),
  rawHeaders: [
    'Content-Type', 'application/json', 'User-Agent', 'test', 'X-Many', '1', 'x-many', '2', 'Cookie', 'a=1; b=2',
  ],
};
const event = (request: Partial<HttpRequest> = {}, context: Partial<EventContext> = {}): Record<string, unknown> =>
  toEvent({ ...REQUEST, ...request }, { ...CONTEXT, ...context });
const withType = (type: string, body = '{"a":1}'): Record<string, unknown> =>
  event({ rawHeaders: ['Content-Type', type], body: Buffer.from(body) });

describe('toEvent', () => {
  test('is a payload of format 2.0', () => {
    expect(event()).toEqual({
      version: '2.0',
      routeKey: 'POST /packages',
      rawPath: '/packages',
      rawQueryString: '',
      cookies: ['a=1', 'b=2'],
      body: '{"a":1}',
      isBase64Encoded: false,
      headers: {
        'host': 'abc.execute-api.eu-west-1.amazonaws.com',
        'content-type': 'application/json',
        'user-agent': 'test',
        'x-many': '1,2',
        'x-amzn-trace-id': 'Root=1',
        'x-forwarded-for': '10.0.0.1',
        'x-forwarded-port': '443',
        'x-forwarded-proto': 'https',
      },
      requestContext: {
        accountId: '111122223333',
        apiId: 'abc',
        domainName: 'abc.execute-api.eu-west-1.amazonaws.com',
        domainPrefix: 'abc',
        requestId: 'id',
        routeKey: 'POST /packages',
        stage: '$default',
        http: { method: 'POST', path: '/packages', protocol: 'HTTP/1.1', sourceIp: '10.0.0.1', userAgent: 'test' },
        time: '12/Mar/2026:19:03:58 +0000',
        timeEpoch: 1773342238000,
      },
    });
  });

  test('keeps the raw query and joins repeated parameters', () => {
    expect(event({ url: '/x?a=1&a=2&b=%20' }))
      .toMatchObject({ rawPath: '/x', rawQueryString: 'a=1&a=2&b=%20', queryStringParameters: { a: '1,2', b: ' ' } });
  });

  test('leaves out the body that isn\'t there', () => {
    expect(event({ body: Buffer.alloc(0) })).toMatchObject({ isBase64Encoded: false });
    expect(event({ body: Buffer.alloc(0) })).not.toHaveProperty('body');
  });

  test.each([
    ['application/x-www-form-urlencoded', true],
    ['application/octet-stream', true],
    ['application/json; charset=utf-8', false],
    ['application/vnd.github+json', false],
    ['text/plain', false],
  ])('%s is sent in base64: %s', (type, base64) => {
    expect(withType(type))
      .toMatchObject({ isBase64Encoded: base64, body: base64 ? Buffer.from('{"a":1}').toString('base64') : '{"a":1}' });
    expect(isText(type)).toBe(!base64);
  });

  test('sends base64 always when told to', () => {
    expect(event({}, { alwaysBase64: true })).toMatchObject({ isBase64Encoded: true, body: 'eyJhIjoxfQ==' });
  });
});

describe('toAnswer', () => {
  const answer = (payload: unknown): unknown => {
    const made = toAnswer(payload);
    return made && { ...made, body: made.body.toString() };
  };
  test.each<[string, unknown, unknown]>([
    ['text', 'hello', { status: 200, headers: { 'content-type': 'application/json' }, body: 'hello' }],
    ['an object without status', { a: 1 },
      { status: 200, headers: { 'content-type': 'application/json' }, body: '{"a":1}' }],
    ['null', null, { status: 200, headers: { 'content-type': 'application/json' }, body: 'null' }],
    ['a status alone', { statusCode: 204 },
      { status: 204, headers: { 'content-type': 'text/plain;charset=UTF-8' }, body: '' }],
    ['headers and cookies', { statusCode: '201', headers: { 'X-A': 1 }, cookies: ['a=1'], body: 'x' }, {
      status: 201,
      headers: { 'content-type': 'text/plain;charset=UTF-8', 'x-a': '1', 'set-cookie': ['a=1'] },
      body: 'x',
    }],
    ['a body in base64', { statusCode: 200, body: 'eHl6', isBase64Encoded: true },
      { status: 200, headers: { 'content-type': 'text/plain;charset=UTF-8' }, body: 'xyz' }],
    ['a body that is an object', { statusCode: 200, body: { a: 1 } }, undefined],
    ['a status that is none', { statusCode: 'ok' }, undefined],
    ['headers that are objects', { statusCode: 200, headers: { a: {} } }, undefined],
  ])('of %s', (_, payload, expected) => {
    expect(answer(payload)).toEqual(expected);
  });
});

describe('access log', () => {
  test('fills in variables, and - for those without a value', () => {
    expect(accessLogLine('{"id":"$context.requestId","e":"$context.error.message"}', { requestId: 'r' }))
      .toBe('{"id":"r","e":"-"}');
  });

  test.each([
    ['an unknown variable', '$context.requestId $context.colour', 'unknown variable $context.colour'],
    ['several lines', '$context.requestId\n', 'must be a single line'],
    ['no request id', '$context.status', 'must contain $context.requestId'],
  ])('rejects a format with %s', (_, format, message) => {
    expect(() => checkFormat(format)).toThrow(message);
  });
});
