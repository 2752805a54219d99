import type { ServerResponse } from 'node:http';

/** A whole answer: small, held in memory. */
export interface RegistryAnswer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}

/** Error codes of the distribution specification. */
export type OciErrorCode =
  | 'BLOB_UNKNOWN'
  | 'BLOB_UPLOAD_INVALID'
  | 'BLOB_UPLOAD_UNKNOWN'
  | 'DIGEST_INVALID'
  | 'MANIFEST_BLOB_UNKNOWN'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_UNKNOWN'
  | 'NAME_INVALID'
  | 'NAME_UNKNOWN'
  | 'SIZE_INVALID'
  | 'UNAUTHORIZED'
  | 'DENIED'
  | 'UNSUPPORTED'
  | 'TOOMANYREQUESTS';

/**
 * An error answer in the form of the specification.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#error-codes
 * @param code one of `OciErrorCode`; registries have codes of their own, too (ECR's `TAG_INVALID`)
 */
export function ociError(
  status: number,
  code: OciErrorCode | (string & {}),
  message: string,
  headers: Record<string, string> = {},
  detail?: unknown,
): RegistryAnswer {
  const body = JSON.stringify({ errors: [{ code, message, ...(detail === undefined ? {} : { detail }) }] });
  return { status, headers: { 'content-type': 'application/json; charset=utf-8', ...headers }, body };
}

export function sendAnswer(response: ServerResponse, answer: RegistryAnswer): void {
  const body = typeof answer.body === 'object' ? answer.body : Buffer.from(answer.body ?? '');
  const noBody = answer.status === 204 || answer.status === 304;
  response.writeHead(
    answer.status,
    { ...(noBody ? {} : { 'content-length': String(body.length) }), ...answer.headers },
  );
  response.end(noBody ? undefined : body);
}
