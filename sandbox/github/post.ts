import { IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { GitHubClock } from './options';

/** How one attempt to deliver ended. */
export interface Outcome {
  /** `OK`, or why GitHub takes the delivery for failed. */
  readonly status: string;
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>> | null;
  readonly payload: string | null;
}

export interface PostOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly timeoutMs: number;
  /** `insecure_ssl` of the hook: `1` accepts any certificate. */
  readonly insecure: boolean;
  readonly clock: GitHubClock;
  /** Ends the attempt when the server closes. */
  readonly signal: AbortSignal;
}

/** As much of an answer as the delivery log keeps. */
const KEPT_BYTES = 65_536;

/** Posts once: no retry, no redirect, and a bound on the whole exchange. Never rejects: every ending is an outcome. */
export async function post(options: PostOptions): Promise<Outcome> {
  if (options.signal.aborted) { return failure('failed to connect to host', 502); }
  const ended = new AbortController();
  const exchange = new Promise<Outcome>(resolve => send(options, ended.signal, resolve)).finally(() => ended.abort());
  const timeout = options.clock.sleep(options.timeoutMs, ended.signal).then((): Outcome => failure('timed out', 504));
  try {
    return await Promise.race([exchange, timeout]);
  } finally {
    ended.abort();
  }
}

function send(
  { url, headers, body, insecure, signal }: PostOptions,
  ended: AbortSignal,
  resolve: (outcome: Outcome) => void,
): void {
  const secure = url.startsWith('https:');
  const request = (secure ? httpsRequest : httpRequest)(url, {
    method: 'POST',
    agent: false,
    headers: { ...headers, 'Content-Length': String(body.length) },
    ...secure && { rejectUnauthorized: !insecure },
  });
  const stop = (): void => { request.destroy(); };
  [ended, signal].forEach(source => source.addEventListener('abort', stop, { once: true }));
  request.once('close', () => signal.removeEventListener('abort', stop));
  request.once('response', response => read(response, resolve));
  request.once('error', (error: NodeJS.ErrnoException) => resolve(connectionFailure(error)));
  request.end(body);
}

function read(response: IncomingMessage, resolve: (outcome: Outcome) => void): void {
  const chunks: Buffer[] = [];
  response.on('data', (chunk: Buffer) => chunks.push(chunk));
  response.once('error', error => resolve(connectionFailure(error)));
  response.once('end', () => {
    const code = response.statusCode ?? 0;
    resolve({
      status: code >= 200 && code < 300 ? 'OK' : `Invalid HTTP Response: ${code}`,
      statusCode: code,
      headers: Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value)])),
      payload: Buffer.concat(chunks).subarray(0, KEPT_BYTES).toString(),
    });
  });
}

function connectionFailure(error: NodeJS.ErrnoException): Outcome {
  const certificate = /CERT|SELF_SIGNED|ERR_TLS/.test(error.code ?? '');
  return failure(
    certificate ? 'peer certificate cannot be authenticated with given CA certificates' : 'failed to connect to host',
    502,
  );
}

function failure(status: string, statusCode: number): Outcome {
  return { status, statusCode, headers: null, payload: null };
}
