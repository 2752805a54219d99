import type { APIGatewayProxyEventV2 } from 'aws-lambda';

export type DeliveryRequest = Pick<APIGatewayProxyEventV2, 'headers' | 'body' | 'isBase64Encoded'>;

export type Headers = Readonly<Record<string, string | undefined>>;

export function lowerCased(headers: Headers): Headers {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/**
 * The bytes that GitHub signed; empty when they can't be told. API Gateway encodes as base64 what it takes for binary.
 * A string with a lone surrogate is the UTF-8 of nothing: its encoding would be that of another body, with U+FFFD.
 */
export function rawBody({ body = '', isBase64Encoded }: DeliveryRequest): Buffer {
  if (isBase64Encoded) { return Buffer.from(body, 'base64'); }
  return /\p{Surrogate}/u.test(body) ? Buffer.alloc(0) : Buffer.from(body, 'utf8');
}

/** The JSON in these bytes; undefined when they are no UTF-8, or no JSON. */
export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)) as unknown;
  } catch {
    return undefined;
  }
}

/**
 * X-GitHub-Delivery. No signature covers a header, so that a text which is no GUID is a
 * stranger's, and doesn't get into the log.
 */
export function deliveryId(headers: Headers): string | undefined {
  const id = headers['x-github-delivery'];
  return id !== undefined && /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(id) ? id : undefined;
}

/** X-GitHub-Event, if it could be the name of an event. */
export function eventName(headers: Headers): string | undefined {
  const name = headers['x-github-event'];
  return name !== undefined && /^[a-z][a-z0-9_]{0,49}$/.test(name) ? name : undefined;
}
