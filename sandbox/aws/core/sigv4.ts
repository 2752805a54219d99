import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { AwsError, Principal } from './service';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly principal: Principal;
}

export interface SignedRequest {
  readonly method: string;
  /** Path with query, as it came over the wire. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Scope {
  readonly accessKeyId: string;
  /** `20260101` */
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

/**
 * Longer differences are refused: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
 */
const MAX_SKEW_MS = 5 * 60_000;

/** Reads the Authorization header. */
export function parseAuthorization(authorization: string | undefined): Scope {
  if (authorization === undefined) {
    throw new AwsError('MissingAuthenticationTokenException', 'Missing Authentication Token', 403);
  }
  const fields = /^AWS4-HMAC-SHA256 Credential=([^,]+),\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-f]{64})$/.exec(authorization);
  const credential = fields?.[1]?.split('/') ?? [];
  const [accessKeyId, date, region, service, terminator] = credential;
  if (!fields
    || !accessKeyId
    || !date
    || !region
    || !service
    || credential.length !== 5
    || terminator !== 'aws4_request') {
    throw new AwsError(
      'IncompleteSignatureException',
      `Authorization header isn't a complete Signature Version 4: '${authorization.slice(0, 60)}...'`,
      403,
    );
  }
  return {
    accessKeyId,
    date,
    region,
    service,
    signedHeaders: (fields[2] ?? '').split(';'),
    signature: fields[3] ?? '',
  };
}

/** @throws {AwsError} unless the request was signed with these credentials for this region, lately */
export function verifySignature(
  request: SignedRequest,
  scope: Scope,
  credentials: Credentials,
  region: string,
  now: number,
): void {
  if (header(request, 'x-amz-security-token') !== credentials.sessionToken) {
    throw new AwsError('UnrecognizedClientException', 'The security token included in the request is invalid.', 403);
  }
  if (scope.region !== region) {
    throw new AwsError(
      'InvalidSignatureException',
      `Credential should be scoped to a valid region. (got '${scope.region}', expected '${region}')`,
      403,
    );
  }
  for (const name of ['host', 'x-amz-date', ...Object.keys(request.headers).filter(key => key.startsWith('x-amz-'))]) {
    if (!scope.signedHeaders.includes(name)) { throw mismatch(`header '${name}' must be signed`); }
  }
  const date = header(request, 'x-amz-date');
  if (!date.startsWith(scope.date) || Math.abs(parseDate(date) - now) > MAX_SKEW_MS) {
    throw new AwsError(
      'InvalidSignatureException',
      `Signature expired: ${date} is not within 5 minutes of the server's time`,
      403,
    );
  }
  const expected = sign(request, scope, credentials.secretAccessKey, date);
  if (!timingSafeEqual(Buffer.from(expected), Buffer.from(scope.signature))) {
    throw mismatch('Check your AWS Secret Access Key and signing method. '
      + 'Consult the service documentation for details.');
  }
}

function mismatch(why: string): AwsError {
  return new AwsError(
    'InvalidSignatureException',
    `The request signature we calculated does not match the signature you provided. ${why}`,
    403,
  );
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
export function sign(
  request: SignedRequest,
  scope: Omit<Scope, 'signature'>,
  secretAccessKey: string,
  date: string,
): string {
  const { date: day, region, service } = scope;
  const text = [
    'AWS4-HMAC-SHA256',
    date,
    `${day}/${region}/${service}/aws4_request`,
    sha256(canonicalRequest(request, scope.signedHeaders)),
  ].join('\n');
  const key = [day, region, service, 'aws4_request'].reduce<string | Buffer>(
    (secret, part) => hmac(secret, part),
    `AWS4${secretAccessKey}`,
  );
  return hmac(key, text).toString('hex');
}

function canonicalRequest(request: SignedRequest, signedHeaders: readonly string[]): string {
  const [path = '/', query = ''] = request.url.split('?');
  const headers = signedHeaders.map(name => `${name}:${header(request, name).trim().replace(/\s+/g, ' ')}\n`).join('');
  const payload = sha256(request.body);
  const declared = request.headers['x-amz-content-sha256'];
  if (declared !== undefined && declared !== payload) {
    throw mismatch(`x-amz-content-sha256 is ${String(declared)}, the body's is ${payload}`);
  }
  return [request.method, canonicalPath(path), canonicalQuery(query), headers, signedHeaders.join(';'), payload]
    .join('\n');
}

/** Every service but S3 encodes the path a second time. */
function canonicalPath(path: string): string {
  return path.split('/').map(encode).join('/');
}

function canonicalQuery(query: string): string {
  return [...new URLSearchParams(query)].map(([key, value]) => `${encode(key)}=${encode(value)}`).sort().join('&');
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function header(request: SignedRequest, name: string): string {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(',') : value ?? '';
}

function parseDate(text: string): number {
  return Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
