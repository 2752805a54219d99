import type { IncomingMessage } from 'node:http';
import { errorCode } from './error-code';

/** The client broke its request off: there is nobody to answer, and nothing is wrong on this side. */
export function isClientGone(request: IncomingMessage, error: unknown): boolean {
  const code = errorCode(error);
  return request.destroyed && !request.complete && (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE');
}
