import { isObject } from '../../shared/is-object';
import { CausedError, FailureCause } from '../resilience/failure-cause';

/** The part of a registry's answer that tells why it refused. */
export interface Refusal {
  /** `ghcr.io` */
  readonly host: string;
  readonly status: number;
  /** Error codes of the body, upper case. Empty when the body has none, or isn't one of a registry. */
  readonly codes: readonly string[];
  /** Whether the answer had a body. An answer to HEAD never has. */
  readonly hasBody: boolean;
  /**
   * The login was sent itself, not a token that the registry gave for it. An old one is
   * refused like one without permission.
   */
  readonly basicLogin: boolean;
  readonly retryAfterMs?: number;
}

/** A registry answered with a status that is not the expected one. */
export class RegistryError extends CausedError {
  public override readonly name = 'RegistryError';
  public readonly host: string;
  public readonly status: number;
  public readonly codes: readonly string[];
  public readonly failureCause: FailureCause;
  public override readonly retryAfterMs: number | undefined;

  constructor(message: string, refusal: Refusal) {
    super(message);
    this.host = refusal.host;
    this.status = refusal.status;
    this.codes = refusal.codes;
    this.failureCause = causeOfRefusal(refusal);
    this.retryAfterMs = refusal.retryAfterMs;
  }
}

/** The connection could not be made, or ended before the answer did. */
export class NetworkError extends CausedError {
  public override readonly name = 'NetworkError';
  public readonly failureCause = 'network';
}

/**
 * The bytes that came are not those of the digest: fewer, more or others. They are damaged on their way
 * more often than in the registry.
 */
export class DigestMismatch extends CausedError {
  public override readonly name = 'DigestMismatch';
  public readonly failureCause = 'network';
}

/**
 * The registry sends a blob from its first byte on, and not from where the last download
 * broke off: another try begins anew.
 */
export class RangeIgnored extends CausedError {
  public override readonly name = 'RangeIgnored';
  public readonly failureCause = 'network';
}

/** The bytes of a manifest are not one. */
export class InvalidManifest extends CausedError {
  public override readonly name = 'InvalidManifest';
  public readonly failureCause = 'invalid';
}

/**
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
 * @see https://distribution.github.io/distribution/spec/api/#errors-2
 */
const BY_CODE: ReadonlyMap<string, FailureCause> = new Map<string, FailureCause>([
  ['BLOB_UNKNOWN', 'lag'],
  ['BLOB_UPLOAD_UNKNOWN', 'network'],
  ['DENIED', 'denied'],
  ['DIGEST_INVALID', 'network'],
  ['MANIFEST_BLOB_UNKNOWN', 'missing'],
  ['MANIFEST_INVALID', 'unsupported'],
  ['MANIFEST_UNKNOWN', 'lag'],
  ['NAME_UNKNOWN', 'lag'],
  ['SIZE_INVALID', 'network'],
  ['TOOMANYREQUESTS', 'throttled'],
  ['UNAUTHORIZED', 'login'],
  ['UNAVAILABLE', 'overloaded'],
  ['UNSUPPORTED', 'unsupported'],
]);

const BY_STATUS: ReadonlyMap<number, FailureCause> = new Map<number, FailureCause>([
  [401, 'login'], [403, 'denied'], [405, 'unsupported'], [408, 'network'], [415, 'unsupported'], [501, 'unsupported'],
]);

/** The status decides where every server means the same by it, the registry's own code where it gives one. */
export function causeOfRefusal({ status, codes, hasBody, basicLogin }: Omit<Refusal, 'host'>): FailureCause {
  if (status === 429) { return 'throttled'; }
  if (status >= 500 && status !== 501) { return 'overloaded'; }
  const known = codes.find(code => BY_CODE.has(code));
  const cause = (known === undefined ? undefined : BY_CODE.get(known)) ?? BY_STATUS.get(status) ?? 'unknown';
  return cause === 'denied' && (basicLogin || !hasBody) ? 'login' : cause;
}

/** Error codes of a registry's answer: `{"errors":[{"code":"DENIED","message":"..."}]}`. */
export function errorCodes(body: Uint8Array): string[] {
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    // A proxy's page, or nothing: the status has to do.
    return [];
  }
  const errors: unknown = isObject(document) ? document.errors : undefined;
  return (Array.isArray(errors) ? errors as readonly unknown[] : [])
    .flatMap(error => isObject(error) && typeof error.code === 'string' ? error.code.toUpperCase() : []);
}

/**
 * Milliseconds that a `retry-after` header asks for.
 *
 * @param header seconds, or an HTTP date
 * @see https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) { return undefined; }
  const wait = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return wait > 0 ? wait : undefined;
}
