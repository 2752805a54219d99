import type { IncomingMessage } from 'node:http';
import type { Connections, Sent } from './connections';
import type { RegistryLogin } from '../../shared/ecr';
import { RetryLater } from '../resilience/failure';

export interface RegistryOptions {
  readonly connections: Connections;
  /** Asked for each request: logins are renewed during a build. */
  readonly login: () => RegistryLogin;
  /** ECR takes Basic authentication and nothing else. Others are asked: they answer a first request with where to get a token. */
  readonly basic?: boolean;
  /** Called for each request. */
  readonly count?: () => void;
}

export interface RegistryRequest extends Sent {
  /** Below the repository: `blobs/sha256:...`; or a URL that the registry gave. */
  readonly at: string | URL;
}

/** Twice what a registry takes as a manifest: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests */
const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** What a registry's redirects are followed to; more are a circle. */
const MAX_REDIRECTS = 5;

/**
 * A client of as much of the OCI distribution API as it takes to copy images.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md
 */
export class Registry {
  private readonly tokens = new Map<string, Promise<string>>();

  constructor(private readonly options: RegistryOptions) {}

  public get host(): string {
    return this.options.login().host;
  }

  /** The answer, whatever its status, after authentication and redirects. A body is sent once: a request without has to come before it. */
  public async send(repository: string, { at, ...sent }: RegistryRequest): Promise<IncomingMessage> {
    const url = new URL(at, `${this.origin}/v2/${repository}/`);
    const known = this.tokens.get(repository);
    let response = await this.authorized(url, sent, await this.header(known));
    const challenge = response.headers['www-authenticate'];
    if (response.statusCode === 401 && challenge !== undefined && this.options.basic !== true && sent.body === undefined) {
      response.resume();
      // Of all who are refused at the same time, one asks for a token.
      if (this.tokens.get(repository) === known) { this.tokens.set(repository, this.token(challenge, repository)); }
      response = await this.authorized(url, sent, await this.header(this.tokens.get(repository)?.catch((error: unknown) => {
        this.tokens.delete(repository);
        throw error;
      })));
    }
    return this.followed(url, sent, response);
  }

  /** The body of an answer that is as expected. Any other is thrown, in the registry's own words: they decide whether another try can help. */
  public async expect(response: IncomingMessage, what: string, ...statuses: readonly number[]): Promise<Buffer> {
    const body = await this.body(response, what);
    if (statuses.includes(response.statusCode ?? 0)) { return body; }
    const reason = body.length > 0 ? `: ${body.toString('utf8').slice(0, 300)}` : ' without a reason';
    const message = `${this.host} answered ${response.statusCode} to ${what}${reason}`;
    const waitSeconds = Number(response.headers['retry-after'] ?? NaN);
    throw waitSeconds > 0 ? new RetryLater(message, waitSeconds * 1000) : new Error(message);
  }

  /** `https://ghcr.io` */
  public get origin(): string {
    return originOf(this.host);
  }

  private get basic(): string {
    const { user, password } = this.options.login();
    return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  }

  private async header(token: Promise<string> | undefined): Promise<string | undefined> {
    return this.options.basic === true ? this.basic : token;
  }

  private async authorized(url: URL, sent: Sent, authorization: string | undefined): Promise<IncomingMessage> {
    // An upload can go on at another host, as a download does: what opens the registry is for the registry.
    const own: Sent['headers'] = authorization === undefined || url.origin !== this.origin ? {} : { authorization };
    this.options.count?.();
    try {
      return await this.options.connections.send(url, { ...sent, headers: { ...sent.headers, ...own } });
    } catch (error) {
      // What has no code is not the network's: the body that is sent failed, and says itself how.
      if (sent.signal?.aborted || (error as NodeJS.ErrnoException).code === undefined) { throw error; }
      throw new Error(`${url.host}: connection failed: ${String(error)}`, { cause: error });
    }
  }

  /** Blobs lie on another host than the registry, whose signed address is all that opens it. */
  private async followed(from: URL, sent: Sent, answer: IncomingMessage): Promise<IncomingMessage> {
    let [url, response] = [from, answer];
    for (let hops = 0; isRedirect(response) && (sent.method ?? 'GET') === 'GET'; hops++) {
      response.resume();
      if (hops === MAX_REDIRECTS) { throw new Error(`${from.host} redirects ${from.pathname} in a circle: more than ${MAX_REDIRECTS} times.`); }
      url = new URL(response.headers.location ?? '', url);
      response = await this.authorized(url, sent, undefined);
    }
    return response;
  }

  private async token(challenge: string, repository: string): Promise<string> {
    const realm = /^bearer\b.*?realm="([^"]+)"/i.exec(challenge)?.[1];
    if (realm === undefined) { return this.basic; }
    const url = new URL(realm);
    url.searchParams.set('service', /service="([^"]+)"/.exec(challenge)?.[1] ?? this.host);
    url.searchParams.set('scope', `repository:${repository}:pull`);
    this.options.count?.();
    const response = await this.options.connections.send(url, { headers: { authorization: this.basic } });
    const body = await this.expect(response, `token for ${repository}`, 200);
    const { token, access_token: accessToken } = JSON.parse(body.toString('utf8')) as { token?: string; access_token?: string };
    return `Bearer ${token ?? accessToken ?? ''}`;
  }

  private async body(response: IncomingMessage, what: string): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let length = 0;
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        length += chunk.length;
        if (length > MAX_BODY_BYTES) { break; }
        chunks.push(chunk);
      }
    } catch (error) {
      throw new Error(`${this.host}: connection closed in the answer to ${what}: ${String(error)}`);
    }
    if (length > MAX_BODY_BYTES) { throw new Error(`${this.host} answered ${response.statusCode} to ${what} with more than ${MAX_BODY_BYTES} bytes.`); }
    return Buffer.concat(chunks);
  }
}

function isRedirect({ statusCode = 0, headers }: IncomingMessage): boolean {
  return [301, 302, 303, 307, 308].includes(statusCode) && headers.location !== undefined;
}

/** Where a registry is. As container tools do: one on this machine speaks plain HTTP. */
export function originOf(host: string): string {
  const { origin } = new URL(`${/^(localhost|127\.\d+\.\d+\.\d+)(:\d+)?$/.test(host) ? 'http' : 'https'}://${host}`);
  return origin;
}
