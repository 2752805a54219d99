import { Agent as HttpAgent, ClientRequest, IncomingMessage, request as httpRequest, RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';

export interface Sent {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT';
  readonly headers?: Readonly<Record<string, string | number>>;
  /** Without one, a request that finds its kept connection closed is sent again. */
  readonly body?: AsyncIterable<Buffer>;
  readonly signal?: AbortSignal;
}

/** A connection on which nothing has moved for this long is given up. */
const IDLE_MS = 120_000;

/**
 * HTTP over connections that are kept: an image is dozens of small requests to two hosts, and what a new connection costs would be most
 * of its time. Node's fetch() keeps connections too, but sends a stream without its length, which registries need not take.
 */
export class Connections {
  private readonly agents = {
    'http:': new HttpAgent({ keepAlive: true }),
    'https:': new HttpsAgent({ keepAlive: true }),
  };

  /** Resolves with the head of the answer; its body is the caller's to read. */
  public async send(url: URL, { method = 'GET', headers, body, signal }: Sent): Promise<IncomingMessage> {
    const options: RequestOptions = { method, headers: { 'user-agent': 'cdk-ghcr2ecr', ...headers }, signal, timeout: IDLE_MS };
    if (body !== undefined) { return exchange(this.open(url, options), body); }
    const request = this.open(url, options);
    try {
      return await exchange(request);
    } catch (error) {
      // The server closed the connection while nothing was under way: https://nodejs.org/api/http.html#requestreusedsocket
      if (!request.reusedSocket || (error as NodeJS.ErrnoException).code !== 'ECONNRESET' || signal?.aborted) { throw error; }
      return exchange(this.open(url, { ...options, agent: false }));
    }
  }

  /** Ends the connections that are kept. */
  public close(): void {
    this.agents['http:'].destroy();
    this.agents['https:'].destroy();
  }

  private open(url: URL, options: RequestOptions): ClientRequest {
    const request = url.protocol === 'http:'
      ? httpRequest(url, { agent: this.agents['http:'], ...options })
      : httpsRequest(url, { agent: this.agents['https:'], ...options });
    request.once('timeout', () => request.destroy(new Error(`${url.host}: timed out: nothing moved for ${IDLE_MS / 1000} s`)));
    return request;
  }
}

/** Sends the body and waits for the answer; a server may answer before it has read everything. */
async function exchange(request: ClientRequest, body?: AsyncIterable<Buffer>): Promise<IncomingMessage> {
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', response => {
      // Who has refused reads no further: what is left of the body would wait for ever.
      response.once('end', () => { if (!request.writableFinished) { request.destroy(); } });
      resolve(response);
    });
    // Stays: what is cut off after the answer is the answer's to tell.
    request.on('error', error => reject(error));
  });
  if (body === undefined) {
    request.end();
    return answer;
  }
  const sent = pipeline(body, request);
  // When both fail, the body's own failure came first and tells more; when the answer came first, it tells all.
  return Promise.race([answer, sent.then(() => answer)]);
}
