/** An HTTP request as it came in. */
export interface HttpRequest {
  readonly method: string;
  /** Path with query. */
  readonly url: string;
  /** Names and values alternate, in order of arrival, as `IncomingMessage.rawHeaders`. */
  readonly rawHeaders: readonly string[];
  readonly sourceIp: string;
  readonly protocol: string;
  readonly body: Buffer;
}

export interface EventContext {
  readonly account: string;
  readonly apiId: string;
  readonly domainName: string;
  readonly requestId: string;
  readonly routeKey: string;
  readonly stage: string;
  readonly time: number;
  readonly traceId: string;
  /** Sends every body in base64, to show that a function copes. */
  readonly alwaysBase64: boolean;
}

/**
 * Payload format 2.0:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function toEvent(request: HttpRequest, context: EventContext): Record<string, unknown> {
  const [path = '/', query = ''] = splitOnce(request.url, '?');
  const headers = joinHeaders(request.rawHeaders);
  const { cookie, ...rest } = headers;
  const rawPath = context.stage === '$default' ? path : `/${context.stage}${path}`;
  const base64 = context.alwaysBase64 || !isText(headers['content-type']);
  const parameters = joinQuery(query);
  return {
    version: '2.0',
    routeKey: context.routeKey,
    rawPath,
    rawQueryString: query,
    ...(cookie === undefined ? {} : { cookies: cookie.split(/;\s*/) }),
    headers: {
      ...rest,
      // The public name; clients of the local cloud send the loopback address instead.
      'host': context.domainName,
      'x-amzn-trace-id': context.traceId,
      'x-forwarded-for': rest['x-forwarded-for'] === undefined
        ? request.sourceIp
        : `${rest['x-forwarded-for']}, ${request.sourceIp}`,
      'x-forwarded-port': '443',
      'x-forwarded-proto': 'https',
    },
    ...(Object.keys(parameters).length === 0 ? {} : { queryStringParameters: parameters }),
    requestContext: {
      accountId: context.account,
      apiId: context.apiId,
      domainName: context.domainName,
      domainPrefix: context.apiId,
      http: {
        method: request.method,
        path: rawPath,
        protocol: request.protocol,
        sourceIp: request.sourceIp,
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: context.requestId,
      routeKey: context.routeKey,
      stage: context.stage,
      time: commonLogTime(context.time),
      timeEpoch: context.time,
    },
    ...(request.body.length === 0 ? {} : { body: request.body.toString(base64 ? 'base64' : 'utf8') }),
    isBase64Encoded: request.body.length > 0 && base64,
  };
}

/** Response to the client. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Buffer;
}

/** Turns a function's result into a response; undefined if the gateway can't interpret the result, and answers 500. */
export function toAnswer(payload: unknown): HttpAnswer | undefined {
  if (!isObject(payload) || payload.statusCode === undefined) { return inferred(payload); }
  const { statusCode, headers = {}, cookies = [], body = '', isBase64Encoded = false } = payload;
  const status = Number(statusCode);
  if (!Number.isInteger(status) || status < 100 || status > 599 || typeof body !== 'string' || !isObject(headers)) {
    return undefined;
  }
  if (!Array.isArray(cookies) || Object.values(headers).some(value => typeof value === 'object')) { return undefined; }
  const named = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));
  return {
    status,
    headers: {
      'content-type': 'text/plain;charset=UTF-8',
      ...named,
      ...(cookies.length === 0 ? {} : { 'set-cookie': cookies.map(String) }),
    },
    body: Buffer.from(body, isBase64Encoded === true ? 'base64' : 'utf8'),
  };
}

/** Without a statusCode the gateway answers 200 with what was returned, as JSON. */
function inferred(payload: unknown): HttpAnswer {
  const body = typeof payload === 'string' ? payload : JSON.stringify(payload);
  return { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from(body) };
}

/** Names in lower case, values of the same name joined by commas; cookies by semicolons, as the client sends them. */
export function joinHeaders(rawHeaders: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase();
    const value = rawHeaders[at + 1] ?? '';
    const before = headers[name];
    headers[name] = before === undefined ? value : `${before}${name === 'cookie' ? '; ' : ','}${value}`;
  }
  return headers;
}

function joinQuery(query: string): Record<string, string> {
  const joined: Record<string, string> = {};
  for (const [key, value] of new URLSearchParams(query)) {
    joined[key] = joined[key] === undefined ? value : `${joined[key]},${value}`;
  }
  return joined;
}

/** Everything else travels in base64, forms too. */
export function isText(contentType: string | undefined): boolean {
  const type = (contentType ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  return /^text\//.test(type) || /^application\/(json|javascript|xml|.+\+json|.+\+xml)$/.test(type);
}

/** `12/Mar/2026:19:03:58 +0000` */
export function commonLogTime(time: number): string {
  const [, day, month, year, clock] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(time).toUTCString()) ?? [];
  return `${day}/${month}/${year}:${clock} +0000`;
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
