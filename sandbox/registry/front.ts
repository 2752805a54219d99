import {
  Agent,
  ClientRequest,
  IncomingHttpHeaders,
  IncomingMessage,
  OutgoingHttpHeaders,
  request as httpRequest,
  ServerResponse,
} from 'node:http';
import type { Faults } from '../faults';
import { HttpServer, serve } from '../http-server';
import { ociError, RegistryAnswer, sendAnswer } from './answer';
import { isClientGone } from './client-gone';
import { digestAlgorithm, digestOf } from './digest';
import { errorCode } from './error-code';
import { MAX_MANIFEST_BYTES, readManifestBody } from './manifests';
import { parseRoute, parseTarget, RouteKind } from './route';

export { ociError };
export type { RegistryAnswer };

export interface RegistryRequest {
  readonly kind: RouteKind;
  readonly method: string;
  /** Empty for `ping` and `other`. */
  readonly repository: string;
  /** Tag or digest of a manifest, digest of a blob or subject, id of an upload session; may be empty. */
  readonly reference: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}

export interface ManifestPut {
  readonly repository: string;
  /** Tag or digest, as the client named it. */
  readonly reference: string;
  /** Of the bytes. */
  readonly digest: string;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** The differences between one hosted registry and another. */
export interface FrontPolicy {
  /** undefined = go on; an answer = refuse with it (401 challenge, 403, 404 NAME_UNKNOWN, 405 ...). */
  check(request: RegistryRequest): RegistryAnswer | undefined | Promise<RegistryAnswer | undefined>;
  /** Before a manifest is forwarded: an answer refuses it (immutable tag ...). */
  beforePut?(
    put: ManifestPut,
    request: RegistryRequest,
  ): RegistryAnswer | undefined | Promise<RegistryAnswer | undefined>;
  /** After the backing registry accepted it, before the client hears so. */
  afterPut?(put: ManifestPut, request: RegistryRequest): void | Promise<void>;
  /** Paths outside /v2/ (the /token endpoint). true = answered. */
  other?(request: IncomingMessage, response: ServerResponse): boolean | Promise<boolean>;
}

export interface FrontOptions {
  /** The registry that holds the content. */
  readonly backing: { readonly url: string };
  readonly policy: FrontPolicy;
  readonly faults?: Faults;
  /** @default 0 (the system chooses) */
  readonly port?: number;
}

/** A reverse proxy that speaks the OCI protocol: content streams through it, a policy decides who may do what. */
export async function startFront(options: FrontOptions): Promise<HttpServer> {
  const agent = new Agent({ keepAlive: true, noDelay: true });
  const front = new Front(new URL(options.backing.url), options.policy, agent);
  const server = await serve(
    (request, response) => front.handle(request, response),
    { faults: options.faults, port: options.port },
  );
  return {
    ...server,
    close: async () => {
      await server.close();
      agent.destroy();
    },
  };
}

class Front {
  constructor(private readonly backing: URL, private readonly policy: FrontPolicy, private readonly agent: Agent) {}

  public async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = parseTarget(request.url ?? '/');
    if (!target) {
      return sendAnswer(response, ociError(400, 'NAME_INVALID', 'the path has a broken percent-encoding'));
    }
    if (target.path !== '/v2' && !target.path.startsWith('/v2/')) { return this.outside(request, response); }
    const what: RegistryRequest = {
      ...parseRoute(target.path), method: request.method ?? 'GET', query: target.query, headers: request.headers,
    };
    const refusal = await this.policy.check(what);
    if (refusal) { return sendAnswer(response, refusal); }
    return what.kind === 'manifest' && what.method === 'PUT'
      ? this.putManifest(what, request, response)
      : this.forward(request, response);
  }

  private async outside(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (await this.policy.other?.(request, response)) { return; }
    sendAnswer(
      response,
      { status: 404, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: '404 page not found\n' },
    );
  }

  private async putManifest(what: RegistryRequest, request: IncomingMessage, response: ServerResponse): Promise<void> {
    let bytes: Buffer | undefined;
    try {
      bytes = await readManifestBody(request);
    } catch (error) {
      if (isClientGone(request, error)) { return; }
      throw error;
    }
    if (!bytes) {
      return sendAnswer(
        response,
        ociError(413, 'MANIFEST_INVALID', `manifest is larger than ${MAX_MANIFEST_BYTES} bytes`),
      );
    }
    const { repository, reference } = what;
    const digest = digestOf(bytes, digestAlgorithm(reference));
    const put = { repository, reference, digest, mediaType: what.headers['content-type'] ?? '', bytes };
    const refusal = await this.policy.beforePut?.(put, what);
    if (refusal) { return sendAnswer(response, refusal); }
    return this.forward(request, response, bytes, async accepted => {
      if (accepted) { await this.policy.afterPut?.(put, what); }
    });
  }

  /** Resolves when the exchange has ended, however it ended; rejects when the backing registry can't be reached. */
  private forward(
    request: IncomingMessage,
    response: ServerResponse,
    body?: Buffer,
    beforeAnswer?: (accepted: boolean) => Promise<void>,
  ): Promise<void> {
    if (response.destroyed) { return Promise.resolve(); }
    return new Promise((resolve, reject) => {
      const upstream = httpRequest({
        agent: this.agent,
        host: this.backing.hostname,
        port: this.backing.port,
        method: request.method,
        path: request.url,
        headers: { ...requestHeaders(request, body), host: this.backing.host },
      });
      response.once('close', () => {
        // The client left before the end: the backing registry sees the same.
        if (!response.writableFinished) { upstream.destroy(); }
        resolve();
      });
      upstream.once('error', error => {
        if (isConnectionLoss(error) || response.destroyed) {
          reset(response);
          resolve();
        } else {
          reject(error);
        }
      });
      upstream.once('response', answer => {
        const ready = beforeAnswer?.(isAccepted(answer)) ?? Promise.resolve();
        ready.then(() => this.answer(answer, request, response)).catch((error: unknown) => {
          upstream.destroy();
          reject(error);
        });
      });
      send(request, upstream, body);
    });
  }

  private answer(answer: IncomingMessage, request: IncomingMessage, response: ServerResponse): void {
    if (response.destroyed) {
      answer.destroy();
      return;
    }
    // A body cut short on the way must not look complete to the client.
    answer.once('error', () => reset(response));
    response.writeHead(answer.statusCode ?? 502, this.responseHeaders(answer, request));
    answer.pipe(response);
  }

  private responseHeaders(answer: IncomingMessage, request: IncomingMessage): OutgoingHttpHeaders {
    const headers: OutgoingHttpHeaders = {};
    for (const [name, value] of Object.entries(answer.headers)) {
      if (!HOP_BY_HOP.has(name) && value !== undefined) { headers[name] = value; }
    }
    for (const name of ['location', 'link']) {
      const value = headers[name];
      if (typeof value === 'string') { headers[name] = value.replaceAll(this.backing.origin, `http://${request.headers.host ?? ''}`); }
    }
    return headers;
  }
}

/** @see https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1 */
const HOP_BY_HOP = new Set([
  'connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer',
  'transfer-encoding', 'upgrade', 'expect',
]);

function requestHeaders(request: IncomingMessage, body: Buffer | undefined): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(request.headers)) {
    // Credentials are for the front: the backing registry is anonymous.
    if (!HOP_BY_HOP.has(name) && name !== 'authorization') { headers[name] = value; }
  }
  if (body) { headers['content-length'] = String(body.length); }
  return headers;
}

function send(request: IncomingMessage, upstream: ClientRequest, body: Buffer | undefined): void {
  const hasBody = request.headers['transfer-encoding'] !== undefined
    || Number(request.headers['content-length'] ?? 0) > 0;
  if (body || !hasBody) {
    upstream.end(body);
    return;
  }
  request.once('error', () => upstream.destroy());
  // An answer may come before the end of the body (a refused upload): the rest is read and dropped, so that
  // the client gets to the answer.
  upstream.once('close', () => {
    request.unpipe(upstream);
    request.resume();
  });
  request.pipe(upstream);
}

function isAccepted(answer: IncomingMessage): boolean {
  return answer.statusCode !== undefined && answer.statusCode >= 200 && answer.statusCode < 300;
}

function isConnectionLoss(error: Error): boolean {
  const code = errorCode(error);
  return code === 'ECONNRESET' || code === 'EPIPE';
}

function reset(response: ServerResponse): void {
  if (response.socket) { response.socket.resetAndDestroy(); }
}
