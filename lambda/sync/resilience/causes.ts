import { causeOfAwsError } from './aws-errors';
import { CausedError, FailureCause } from './failure-cause';

/** Errors wrap errors; more levels than this are a circle. */
const MAX_DEPTH = 10;

/**
 * Told by type alone, because messages quote names that other people choose. The first error of the
 * `cause` chain that tells decides.
 */
export function causeOf(error: unknown): FailureCause {
  for (const link of chainOf(error)) {
    const cause = link instanceof CausedError ? link.failureCause : causeOfAwsError(link) ?? causeOfSystemError(link);
    if (cause !== undefined) { return cause; }
  }
  return 'unknown';
}

/** How long the other side asks to wait before another try; 0 when it does not say. */
export function retryAfterOf(error: unknown): number {
  return chainOf(error).find(link => link instanceof CausedError)?.retryAfterMs ?? 0;
}

function chainOf(error: unknown): unknown[] {
  const chain: unknown[] = [];
  for (let link = error; link !== undefined && chain.length < MAX_DEPTH; link = link instanceof Error
    ? link.cause
    : undefined) {
    chain.push(link);
  }
  return chain;
}

/** @see https://nodejs.org/api/errors.html#nodejs-error-codes */
const NETWORK_CODES: ReadonlySet<unknown> = new Set([
  'ECONNABORTED', 'ECONNREFUSED', 'ECONNRESET', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETDOWN', 'ENETUNREACH', 'ENOTFOUND',
  'EPIPE', 'EPROTO', 'ERR_STREAM_PREMATURE_CLOSE', 'ETIMEDOUT',
]);

function causeOfSystemError(error: unknown): FailureCause | undefined {
  return error instanceof Error && 'code' in error && NETWORK_CODES.has(error.code) ? 'network' : undefined;
}
