import { createReadStream, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { ociError, RegistryAnswer, sendAnswer } from './answer';
import { digestAlgorithm } from './digest';
import { errorCode } from './error-code';
import type { Store } from './store';

/** Up to here a blob is sent in one piece: cheaper than a stream, and bounded. */
const SMALL = 64 * 1024;

export function deleteBlob(store: Store, repository: string, digest: string): RegistryAnswer {
  return digestAlgorithm(digest) !== undefined && store.deleteBlob(repository, digest)
    ? { status: 202 }
    : unknown(digest);
}

export async function getBlob(
  store: Store,
  repository: string,
  digest: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const blob = digestAlgorithm(digest) === undefined ? undefined : store.blob(repository, digest);
  if (!blob) { return sendAnswer(response, unknown(digest)); }
  const range = parseRange(request.headers.range, blob.size);
  if (range === 'unsatisfiable') {
    return sendAnswer(
      response,
      ociError(416, 'SIZE_INVALID', `the blob has ${blob.size} bytes`, { 'content-range': `bytes */${blob.size}` }),
    );
  }
  const { start, end } = range ?? { start: 0, end: blob.size - 1 };
  response.writeHead(range ? 206 : 200, {
    'content-type': 'application/octet-stream',
    'content-length': String(end - start + 1),
    'docker-content-digest': digest,
    'accept-ranges': 'bytes',
    'etag': `"${digest}"`,
    ...(range ? { 'content-range': `bytes ${start}-${end}/${blob.size}` } : {}),
  });
  if (request.method === 'HEAD' || end < start) {
    response.end();
  } else if (blob.size <= SMALL) {
    response.end(readFileSync(blob.path).subarray(start, end + 1));
  } else {
    await stream(blob.path, start, end, response);
  }
  return undefined;
}

async function stream(path: string, start: number, end: number, response: ServerResponse): Promise<void> {
  try {
    await pipeline(createReadStream(path, { start, end, highWaterMark: 256 * 1024 }), response);
  } catch (error) {
    // The client went away (or a fault cut the answer): nothing is left to answer to.
    if (errorCode(error) !== 'ERR_STREAM_PREMATURE_CLOSE') { throw error; }
  }
}

export interface ByteRange {
  readonly start: number;
  /** Inclusive. */
  readonly end: number;
}

/** One `bytes=` range; undefined (the whole) for what a server may ignore: other units, several ranges. */
export function parseRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) { return undefined; }
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) { return undefined; }
  return start >= size ? 'unsatisfiable' : { start, end };
}

function unknown(digest: string): RegistryAnswer {
  return ociError(404, 'BLOB_UNKNOWN', 'blob unknown to registry', {}, { digest });
}
