import { ApiError, notFound } from './errors';
import type { TokenOptions } from './options';

/** A token that GitHub knows, without its value, so that nothing can print it. */
export interface Token extends Required<Omit<TokenOptions, 'value' | 'expiresAt'>> {
  readonly expiresAt?: Date;
  readonly userId: number;
}

/** The tokens that exist. They can be added, changed and revoked while the server runs. */
export class Tokens {
  readonly #known = new Map<string, Token>();

  constructor(tokens: readonly TokenOptions[], private readonly now: () => number) {
    tokens.forEach(token => this.add(token));
  }

  /** Adds a token, or changes the one of the same value. */
  public add({ value, ...token }: TokenOptions): void {
    const userId = this.#known.get(value)?.userId ?? 9_100_001 + this.#known.size;
    this.#known.set(
      value,
      { scopes: [], permissions: {}, owner: false, member: true, sso: 'authorized', ...token, userId },
    );
  }

  public revoke(value: string): void {
    this.#known.delete(value);
  }

  /** The valid token of this value; an expired one is as good as unknown. */
  public find(value: string): Token | undefined {
    const token = this.#known.get(value);
    return token?.expiresAt && token.expiresAt.getTime() <= this.now() ? undefined : token;
  }

  /** The token of an Authorization header; undefined without a header. */
  public authenticate(authorization: string | undefined): Token | undefined {
    if (authorization === undefined) { return undefined; }
    const token = this.find(credential(authorization));
    if (!token) { throw new ApiError(401, 'Bad credentials'); }
    return token;
  }
}

function credential(authorization: string): string {
  const [scheme, ...rest] = authorization.split(' ');
  const value = rest.join(' ').trim();
  if (scheme.toLowerCase() !== 'basic') { return value; }
  const pair = Buffer.from(value, 'base64').toString();
  return pair.slice(pair.indexOf(':') + 1);
}

/** Headers that describe the token in every answer. */
export function tokenHeaders(token: Token | undefined, accepts: Access): Record<string, string> {
  if (!token) { return {}; }
  return {
    ...token.kind === 'classic'
      ? { 'x-oauth-scopes': token.scopes.join(', '), 'x-accepted-oauth-scopes': ACCEPTED_SCOPES[accepts] }
      : accepts !== 'packages'
        && { 'x-accepted-github-permissions': `organization_hooks=${accepts === 'write hooks' ? 'write' : 'read'}` },
    ...token.expiresAt && { 'github-authentication-token-expiration': expiration(token.expiresAt, token.kind) },
  };
}

export type Access = 'packages' | 'read hooks' | 'write hooks';

const ACCEPTED_SCOPES: Readonly<Record<Access, string>> = {
  'packages': 'read:packages',
  'read hooks': 'admin:org_hook',
  'write hooks': 'admin:org_hook',
};

/** Both spellings are seen in the wild, `UTC` and an offset, so that a reader has to know both. */
function expiration(at: Date, kind: Token['kind']): string {
  return `${at.toISOString().slice(0, 19).replace('T', ' ')} ${kind === 'classic' ? 'UTC' : '+0000'}`;
}

/**
 * SAML: a classic PAT that nobody authorized for the organization. Fine-grained ones are authorized when they are made.
 */
function requireSso(token: Token, organization: string): void {
  if (token.kind !== 'classic' || token.sso === 'authorized') { return; }
  throw new ApiError(
    403,
    'Resource protected by organization SAML enforcement. You must grant your Personal Access token '
      + 'access to this organization.',
    {
      headers: { 'x-github-sso': `required; url=https://github.com/orgs/${organization}/sso?authorization_request=AAAAAAAAAAAAAAAAAAAAAAAA` },
    },
  );
}

/** The part of a package that is being read, in the words of GitHub's refusal. */
export type PackageAccess = 'list packages' | 'get a package' | "get a package's versions" | 'get a package version';

/**
 * Only a classic PAT with read:packages reads packages. Others get what GitHub is seen to answer:
 * App tokens 400 for the list and 404 for the rest (https://github.com/cli/cli/issues/9606,
 * https://github.com/actions/create-github-app-token/issues/314).
 */
export function requirePackages(token: Token | undefined, access: PackageAccess, organization: string): Token {
  if (!token) { throw new ApiError(401, 'Requires authentication'); }
  if (token.kind === 'app') {
    throw access === 'list packages' ? new ApiError(400, 'Invalid argument.') : notFound('Package not found.');
  }
  if (token.kind === 'fine-grained') { throw new ApiError(403, 'Resource not accessible by personal access token'); }
  requireSso(token, organization);
  if (!reads(token)) { throw new ApiError(403, `You need at least read:packages scope to ${access}.`); }
  return token;
}

function reads(token: Token): boolean {
  return token.scopes.includes('read:packages') || writes(token);
}

function writes(token: Token): boolean {
  return token.scopes.includes('write:packages');
}

/**
 * Organization hooks don't exist for who may not manage them: 404, not 403
 * (https://github.com/knative/eventing-contrib/issues/1019).
 */
export function requireHooks(token: Token | undefined, access: 'read' | 'write', organization: string): Token {
  if (!token) { throw new ApiError(401, 'Requires authentication'); }
  requireSso(token, organization);
  if (token.kind !== 'app' && !token.owner) { throw notFound(); }
  if (token.kind === 'classic') {
    if (!token.scopes.includes('admin:org_hook')) { throw notFound(); }
    return token;
  }
  const granted = token.permissions.organization_hooks;
  if (granted !== 'write' && granted !== access) {
    throw new ApiError(
      403,
      `Resource not accessible by ${token.kind === 'app' ? 'integration' : 'personal access token'}`,
    );
  }
  return token;
}

/**
 * Tells what the container registry allows: bad credentials fail even for public packages, and anonymous callers pull
 * public packages.
 */
export function mayUseRegistry(
  token: Token | undefined,
  anonymous: boolean,
  visibility: string | undefined,
  action: 'pull' | 'push',
): boolean {
  if (anonymous) { return action === 'pull' && visibility === 'public'; }
  if (token?.kind !== 'classic' || token.sso === 'required') { return false; }
  if (action === 'push') { return writes(token) && token.member; }
  return reads(token) && (token.member || visibility === 'public');
}
