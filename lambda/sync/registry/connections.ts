import {
  Agent as HttpAgent,
  ClientRequest,
  IncomingMessage,
  request as httpRequest,
  RequestOptions as NodeRequestOptions,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { NetworkError } from './errors';

export interface RequestOptions {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT';
  readonly headers?: Readonly<Record<string, string | number>>;
  /** A request without a body is retried once when its kept-alive socket turns out to be closed. */
  readonly body?: AsyncIterable<Buffer>;
  readonly signal?: AbortSignal;
}

/** A request is given up when its connection has been silent for this long. */
const IDLE_MS = 120_000;

/**
 * Most connections to one host. It is more than twice the number of blobs that move at the same time, so that a blob
 * which has one connection never waits for another one that only waiting blobs hold.
 */
const MAX_SOCKETS = 160;

const AGENT_OPTIONS = { keepAlive: true, maxSockets: MAX_SOCKETS };

/**
 * HTTP over kept-alive connections. Copying an image takes dozens of small requests to two hosts, and opening
 * connections would be most of its time. Node's fetch() keeps connections alive too, but sends a stream without its
 * length, which registries need not accept.
 */
export class Connections {
  private readonly agents = {
    'http:': new HttpAgent(AGENT_OPTIONS),
    'https:': new HttpsAgent(AGENT_OPTIONS),
  };

  /** Resolves with the head of the answer. The caller has to read or destroy its body. */
  public async send(url: URL, { method = 'GET', headers, body, signal }: RequestOptions): Promise<IncomingMessage> {
    const options: NodeRequestOptions = {
      method,
      headers: { 'user-agent': 'cdk-ghcr2ecr', ...headers },
      signal,
      timeout: IDLE_MS,
    };
    if (body !== undefined) { return exchange(this.open(url, options), body); }
    const request = this.open(url, options);
    try {
      return await exchange(request);
    } catch (error) {
      // The server closed the connection while nothing was under way:
      // https://nodejs.org/api/http.html#requestreusedsocket
      if (!request.reusedSocket || (error as NodeJS.ErrnoException).code !== 'ECONNRESET' || signal?.aborted) {
        throw error;
      }
      return exchange(this.open(url, { ...options, agent: false }));
    }
  }

  /** Closes the connections that are kept alive. */
  public close(): void {
    this.agents['http:'].destroy();
    this.agents['https:'].destroy();
  }

  private open(url: URL, options: NodeRequestOptions): ClientRequest {
    const request = url.protocol === 'http:'
      ? httpRequest(url, { agent: this.agents['http:'], ...options })
      : httpsRequest(url, { agent: this.agents['https:'], ...options });
    request.once('timeout', () => request.destroy(
      new NetworkError(`${url.host}: timed out: nothing moved for ${IDLE_MS / 1000} s`),
    ));
    return request;
  }
}

/** Sends the body and waits for the answer; a server may answer before it has read everything. */
async function exchange(request: ClientRequest, body?: AsyncIterable<Buffer>): Promise<IncomingMessage> {
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', response => {
      // A server that rejects an upload stops reading: destroy the request, or the rest of the body blocks for ever.
      response.once('end', () => { if (!request.writableFinished) { request.destroy(); } });
      resolve(response);
    });
    // Keep this listener after the response: a later socket error surfaces on the response stream.
    request.on('error', error => reject(error));
  });
  if (body === undefined) {
    request.end();
    return answer;
  }
  const sent = pipeline(body, request);
  // If the body stream fails, report that error; if the server answers early, its answer wins.
  return Promise.race([answer, sent.then(() => answer)]);
}
