import type { IncomingMessage } from 'node:http';
import { isAllowedRedirect, parseChallenge, UntrustedAddress } from './challenge';
import type { Connections, RequestOptions } from './connections';
import { errorCodes, InvalidManifest, NetworkError, RegistryError, retryAfterMs } from './errors';
import type { RegistryLogin } from '../../shared/ecr';
import { messageOf } from '../../shared/errors';
import { isObject } from '../../shared/is-object';
import { shown } from '../../shared/shown';

export interface RegistryOptions {
  readonly connections: Connections;
  /** The present login, read for each request: logins are renewed during a build. */
  readonly login: () => RegistryLogin;
  /**
   * Send the login itself with the first request, because ECR takes Basic authentication and nothing else. Other
   * registries answer the first request with the address that gives a token for the login.
   */
  readonly basic?: boolean;
  /** Called for each request. */
  readonly count?: () => void;
}

export interface RegistryRequest extends RequestOptions {
  /** Below the repository: `blobs/sha256:...`; or a URL that the registry gave. */
  readonly at: string | URL;
}

/**
 * Twice what a registry takes as a manifest:
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests
 */
const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** More redirects than this are a circle. */
const MAX_REDIRECTS = 5;

/**
 * A client of as much of the OCI distribution API as it takes to copy images.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md
 */
export class Registry {
  /** Token of each repository; undefined when it could not be had early. */
  private readonly tokens = new Map<string, Promise<string | undefined>>();
  /** The registry's first answer to a stranger, which tells where tokens are. */
  private challenge: Promise<string | undefined> | undefined;

  constructor(private readonly options: RegistryOptions) {}

  public get host(): string {
    return this.options.login().host;
  }

  /**
   * Asks for the token of a repository while nothing else needs it yet, which saves the first request three round
   * trips. When that fails, the first request asks again, and says why it fails.
   */
  public prepare(repository: string): void {
    if (this.options.basic === true || this.tokens.has(repository)) { return; }
    this.challenge ??= this.challengeOf(new URL('/v2/', this.origin));
    this.tokens.set(repository, this.challenge
      .then(challenge => challenge === undefined ? undefined : this.token(challenge, repository))
      .catch(() => undefined));
  }

  /**
   * The answer, whatever its status, after authentication and redirects. A streamed body can't be replayed after a 401:
   * send a request without a body first, so that the token is cached.
   */
  public async send(repository: string, { at, ...sent }: RegistryRequest): Promise<IncomingMessage> {
    const url = new URL(at, `${this.origin}/v2/${repository}/`);
    const known = this.tokens.get(repository);
    let response = await this.authorized(url, sent, await this.header(known));
    const challenge = response.headers['www-authenticate'];
    if (response.statusCode === 401
      && challenge !== undefined
      && this.options.basic !== true
      && sent.body === undefined) {
      // Read the body to its end: only then the connection is free for the token request.
      await this.body(response, `the first request to ${repository}`);
      // Of all requests that are refused at the same time, one asks for a token.
      if (this.tokens.get(repository) === known) { this.tokens.set(repository, this.token(challenge, repository)); }
      response = await this.authorized(
        url,
        sent,
        await this.header(this.tokens.get(repository)?.catch((error: unknown) => {
          this.tokens.delete(repository);
          throw error;
        })),
      );
    }
    return this.followed(url, sent, response);
  }

  /**
   * The body of an answer that has one of the statuses.
   *
   * @param what how an error names the request
   * @throws RegistryError for any other status, NetworkError when the body breaks off
   */
  public async requireStatus(response: IncomingMessage, what: string, ...statuses: readonly number[]): Promise<Buffer> {
    const body = await this.body(response, what);
    if (statuses.includes(response.statusCode ?? 0)) { return body; }
    const reason = body.length > 0 ? `: ${body.toString('utf8').slice(0, 300)}` : ' without a reason';
    throw new RegistryError(`${this.host} answered ${response.statusCode} to ${what}${reason}`, {
      host: this.host,
      status: response.statusCode ?? 0,
      codes: errorCodes(body),
      hasBody: body.length > 0,
      basicLogin: this.options.basic === true,
      retryAfterMs: retryAfterMs(response.headers['retry-after'], Date.now()),
    });
  }

  /** `https://ghcr.io` */
  public get origin(): string {
    return originOf(this.host);
  }

  private get basic(): string {
    const { user, password } = this.options.login();
    return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  }

  private async header(token: Promise<string | undefined> | undefined): Promise<string | undefined> {
    return this.options.basic === true ? this.basic : token;
  }

  private async authorized(
    url: URL,
    sent: RequestOptions,
    authorization: string | undefined,
  ): Promise<IncomingMessage> {
    // Send credentials to the registry's own origin only; uploads and downloads may continue on another host.
    const own: RequestOptions['headers'] = authorization === undefined || url.origin !== this.origin
      ? {}
      : { authorization };
    this.options.count?.();
    try {
      return await this.options.connections.send(url, { ...sent, headers: { ...sent.headers, ...own } });
    } catch (error) {
      // Errors without `code` come from our own body stream, not from the socket: rethrow them.
      if (sent.signal?.aborted || (error as NodeJS.ErrnoException).code === undefined) { throw error; }
      throw new NetworkError(`${url.host}: connection failed: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Registries keep blobs on another host, and redirect to a signed address there, which needs no credentials. */
  private async followed(from: URL, sent: RequestOptions, answer: IncomingMessage): Promise<IncomingMessage> {
    let [url, response] = [from, answer];
    for (let hops = 0; isRedirect(response) && (sent.method ?? 'GET') === 'GET'; hops++) {
      response.resume();
      if (hops === MAX_REDIRECTS) {
        throw new UntrustedAddress(
          `${from.host} redirects ${from.pathname} in a circle: more than ${MAX_REDIRECTS} times.`,
        );
      }
      const { location = '' } = response.headers;
      if (!isAllowedRedirect(location, url)) {
        throw new UntrustedAddress(`${url.host} redirects ${from.pathname} to ${shown(location)}, `
          + `expected an ${url.protocol}// address.`);
      }
      url = new URL(location, url);
      response = await this.authorized(url, sent, undefined);
    }
    return response;
  }

  private async challengeOf(url: URL): Promise<string | undefined> {
    const response = await this.authorized(url, {}, undefined);
    await this.body(response, 'the first request');
    return response.headers['www-authenticate'];
  }

  private async token(challenge: string, repository: string): Promise<string> {
    const bearer = parseChallenge(challenge, this.origin);
    if (bearer === undefined) { return this.basic; }
    const url = new URL(bearer.realm);
    url.searchParams.set('service', bearer.service);
    url.searchParams.set('scope', `repository:${repository}:pull`);
    this.options.count?.();
    const response = await this.options.connections.send(url, { headers: { authorization: this.basic } });
    const body = await this.requireStatus(response, `token for ${repository}`, 200);
    return `Bearer ${tokenIn(body, url.host)}`;
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
      throw new NetworkError(`${this.host}: connection closed in the answer to ${what}: ${messageOf(error)}`, {
        cause: error,
      });
    }
    if (length > MAX_BODY_BYTES) {
      throw new InvalidManifest(
        `${this.host} answered ${response.statusCode} to ${what} with more than ${MAX_BODY_BYTES} bytes.`,
      );
    }
    return Buffer.concat(chunks);
  }
}

function isRedirect({ statusCode = 0, headers }: IncomingMessage): boolean {
  return [301, 302, 303, 307, 308].includes(statusCode) && headers.location !== undefined;
}

/** Token of a token server's answer. */
function tokenIn(body: Buffer, host: string): string {
  let answer: unknown;
  try {
    answer = JSON.parse(body.toString('utf8'));
  } catch {
    // Not with the parser's message: it quotes the body, and that is a secret.
    throw new NetworkError(`${host} answered a request for a token with something else than JSON.`);
  }
  const { token, access_token: accessToken } = isObject(answer) ? answer : {};
  const found = [token, accessToken].find((each): each is string => typeof each === 'string' && /^[\x21-\x7e]+$/.test(each));
  if (found === undefined) { throw new NetworkError(`${host} gave no token, expected {"token":"..."}.`); }
  return found;
}

/**
 * Origin of a registry. Like container tools, this takes a registry on the same machine for one that speaks plain HTTP.
 */
export function originOf(host: string): string {
  const { origin } = new URL(`${/^(localhost|127\.\d+\.\d+\.\d+)(:\d+)?$/.test(host) ? 'http' : 'https'}://${host}`);
  return origin;
}
