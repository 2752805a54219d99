import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Faults } from '../faults';
import { HttpServer, readBody } from '../http-server';
import { ociError, RegistryAnswer, sendAnswer } from './answer';
import { FrontPolicy, ManifestPut, RegistryRequest, startFront } from './front';
import { ContentHost, refuseOpenRange } from './ghcr-content';
import { GhcrAction, GhcrTokens, Grant, parseScopes } from './ghcr-tokens';
import { PushLag } from './push-lag';
import { isRepositoryName, parseTarget } from './route';

export interface GhcrOptions {
  /** The registry that holds the content. */
  readonly backing: { readonly url: string };
  /** How long a manifest stays unknown to readers after its push. @default 0 */
  readonly lagMs?: number;
  /** @default 300000 */
  readonly tokenLifetimeMs?: number;
  /** Milliseconds since the epoch. @default Date.now */
  readonly now?: () => number;
  readonly faults?: Faults;
  /** Whether GET of a blob answers with a redirect to another host, as ghcr.io does. @default false */
  readonly redirectBlobs?: boolean;
  /**
   * Whether a range without an end (`bytes=N-`) is answered with 416, as clients of ghcr.io have met it; one with an
   * end is served.
   * @default false
   */
  readonly refuseOpenRanges?: boolean;
  /**
   * Where challenges send their reader for a token: an attack when it is a foreign host. @default - this registry's own
   * `/token`
   */
  readonly tokenRealm?: string;
  /** Faults of that other host. */
  readonly contentFaults?: Faults;
  /** @default 0 (the system chooses) */
  readonly port?: number;
  /**
   * Whether these credentials may do this. User and password are empty for an anonymous request; the repository is
   * empty for a login, which asks whether the credentials are good at all. Bad credentials have to be refused for
   * public packages, too, as ghcr.io does.
   */
  allows(user: string, password: string, repository: string, action: GhcrAction): boolean | Promise<boolean>;
  /** Every accepted manifest, children of an index included. */
  onPush?(put: ManifestPut): void;
}

export interface Ghcr extends HttpServer {
  /** Where blobs are read from, when they are redirected. */
  readonly content?: HttpServer;
}

/** ghcr.io: token authentication, no referrers API, no deletion, late visibility. */
export async function startGhcr(options: GhcrOptions): Promise<Ghcr> {
  const content = options.redirectBlobs ? await ContentHost.start(options) : undefined;
  const policy = new GhcrPolicy(options, content);
  const front = await startFront({ backing: options.backing, policy, faults: options.faults, port: options.port });
  return {
    ...front,
    content: content?.server,
    close: async () => {
      await front.close();
      await content?.server.close();
    },
  };
}

class GhcrPolicy implements FrontPolicy {
  private readonly tokens: GhcrTokens;
  private readonly lag: PushLag;

  constructor(private readonly options: GhcrOptions, private readonly content: ContentHost | undefined) {
    const now = options.now ?? Date.now;
    this.tokens = new GhcrTokens(options.tokenLifetimeMs ?? 300_000, now);
    this.lag = new PushLag(options.lagMs ?? 0, now);
  }

  public check(request: RegistryRequest): RegistryAnswer | undefined {
    if (request.repository !== '' && !isRepositoryName(request.repository)) {
      return ociError(400, 'NAME_INVALID', `invalid repository name "${request.repository}": names are lower-case`);
    }
    return this.authorize(request) ?? this.unsupported(request) ?? this.late(request) ?? this.redirect(request)
      ?? this.openRange(request);
  }

  public afterPut(put: ManifestPut): void {
    this.lag.pushed(put);
    this.options.onPush?.(put);
  }

  public async other(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const target = parseTarget(request.url ?? '/');
    if (target?.path !== '/token') { return false; }
    if (request.method === 'GET') {
      const { user, password } = basicCredentials(request.headers.authorization);
      sendAnswer(response, await this.token(user, password, target.query.getAll('scope'), 'token'));
    } else if (request.method === 'POST') {
      // The OAuth2 form, which some clients try first: https://distribution.github.io/distribution/spec/auth/oauth/
      const form = new URLSearchParams((await readBody(request)).toString('utf8'));
      sendAnswer(
        response,
        await this.token(form.get('username') ?? '', form.get('password') ?? '', form.getAll('scope'), 'access_token'),
      );
    } else {
      sendAnswer(response, ociError(405, 'UNSUPPORTED', 'The operation is unsupported.'));
    }
    return true;
  }

  private async token(
    user: string,
    password: string,
    scopeParameters: readonly string[],
    field: string,
  ): Promise<RegistryAnswer> {
    const anonymous = user === '' && password === '';
    const scopes = parseScopes(scopeParameters);
    const grants: Grant[] = [];
    for (const { repository, actions } of scopes) {
      grants.push({ repository, asked: actions, granted: await this.grant(user, password, repository, actions) });
    }
    const good = scopes.length === 0
      ? await this.options.allows(user, password, '', 'pull')
      : grants.some(grant => grant.granted.length > 0);
    if (!good) {
      return anonymous ? ociError(401, 'UNAUTHORIZED', 'authentication required') : ociError(403, 'DENIED', 'denied');
    }
    const body = JSON.stringify({ [field]: this.tokens.issue(grants) });
    return { status: 200, headers: { 'content-type': 'application/json; charset=utf-8' }, body };
  }

  private async grant(
    user: string,
    password: string,
    repository: string,
    actions: readonly string[],
  ): Promise<string[]> {
    const granted: string[] = [];
    for (const action of actions) {
      if (isAction(action) && await this.options.allows(user, password, repository, action)) { granted.push(action); }
    }
    return granted;
  }

  private authorize(request: RegistryRequest): RegistryAnswer | undefined {
    const [, scheme, token = ''] = /^(\S+)\s+(\S+)$/.exec(request.headers.authorization ?? '') ?? [];
    const { tokenRealm } = this.options;
    if (scheme === undefined) { return challenge(request, tokenRealm); }
    const repository = request.repository === '' ? undefined : request.repository;
    switch (scheme.toLowerCase() === 'bearer' ? this.tokens.judge(token, repository, actionOf(request)) : 'unknown') {
      case 'allowed': return undefined;
      case 'denied':
        return ociError(403, 'DENIED', 'permission_denied: The token provided does not match expected scopes.');
      case 'insufficient': return challenge(request, tokenRealm, 'insufficient_scope');
      case 'expired': return challenge(request, tokenRealm, 'invalid_token');
      // No challenge for Basic or a foreign token: https://github.com/renovatebot/renovate/issues/11446
      case 'unknown': return ociError(403, 'DENIED', 'invalid token');
    }
  }

  /** @see https://github.com/containers/skopeo/issues/1880 (no deletion) */
  private unsupported(request: RegistryRequest): RegistryAnswer | undefined {
    if (request.kind === 'referrers' || request.kind === 'other') {
      return { status: 404, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: '404 page not found\n' };
    }
    return request.method === 'DELETE' ? ociError(405, 'UNSUPPORTED', 'The operation is unsupported.') : undefined;
  }

  /** A caller that may push is taken for the pusher, who sees its own writes at once. */
  private late(request: RegistryRequest): RegistryAnswer | undefined {
    if (request.kind !== 'manifest'
      || actionOf(request) !== 'pull'
      || !this.lag.hides(request.repository, request.reference)) { return undefined; }
    const token = (request.headers.authorization ?? '').split(' ')[1] ?? '';
    return this.tokens.judge(token, request.repository, 'push') === 'allowed'
      ? undefined
      : ociError(404, 'MANIFEST_UNKNOWN', 'manifest unknown');
  }

  private openRange(request: RegistryRequest): RegistryAnswer | undefined {
    return this.options.refuseOpenRanges === true ? refuseOpenRange(request) : undefined;
  }

  private redirect(request: RegistryRequest): RegistryAnswer | undefined {
    return request.kind === 'blob' && request.method === 'GET'
      ? this.content?.redirect(request.repository, request.reference)
      : undefined;
  }
}

function isAction(action: string): action is GhcrAction {
  return action === 'pull' || action === 'push' || action === 'delete';
}

function actionOf(request: RegistryRequest): GhcrAction {
  const reads = (request.method === 'GET' || request.method === 'HEAD') && request.kind !== 'upload';
  return reads ? 'pull' : 'push';
}

function challenge(
  request: RegistryRequest, realm = `http://${request.headers.host ?? ''}/token`, error?: string,
): RegistryAnswer {
  // ghcr.io challenges a ping, which names no repository, with the scope of this one.
  const scope = request.repository === '' ? 'repository:user/image:pull'
    : `repository:${request.repository}:${actionOf(request) === 'pull' ? 'pull' : 'pull,push'}`;
  const parameters = [
    `realm="${realm}"`,
    'service="ghcr.io"',
    `scope="${scope}"`,
    ...(error === undefined ? [] : [`error="${error}"`]),
  ];
  return ociError(401, 'UNAUTHORIZED', 'authentication required', {
    'www-authenticate': `Bearer ${parameters.join(',')}`,
  });
}

function basicCredentials(header: string | undefined): { user: string; password: string } {
  const [, encoded] = /^basic\s+(\S+)$/i.exec(header ?? '') ?? [];
  const pair = Buffer.from(encoded ?? '', 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon < 0 ? { user: pair, password: '' } : { user: pair.slice(0, colon), password: pair.slice(colon + 1) };
}
