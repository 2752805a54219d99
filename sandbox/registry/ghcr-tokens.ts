import { randomBytes } from 'node:crypto';

export type GhcrAction = 'pull' | 'push' | 'delete';

/** One `repository:<name>:<actions>` of a token request. */
export interface Scope {
  readonly repository: string;
  readonly actions: readonly string[];
}

export interface Grant {
  readonly repository: string;
  readonly asked: readonly string[];
  readonly granted: readonly string[];
}

/** Result of a token's check for an action on a repository. */
export type Verdict =
  /** Never issued here. */
  | 'unknown'
  | 'expired'
  /** It was not asked for this: another token may allow it. */
  | 'insufficient'
  /** It was asked for and not given. */
  | 'denied'
  | 'allowed';

interface Token { readonly expires: number; readonly grants: readonly Grant[] }

/** Opaque tokens of limited life and scope. */
export class GhcrTokens {
  private readonly tokens = new Map<string, Token>();

  constructor(private readonly lifetimeMs: number, private readonly now: () => number) {}

  public issue(grants: readonly Grant[]): string {
    const token = randomBytes(24).toString('base64url');
    this.tokens.set(token, { expires: this.now() + this.lifetimeMs, grants });
    return token;
  }

  /** @param repository undefined for a request that names none: any live token will do */
  public judge(token: string, repository: string | undefined, action: GhcrAction): Verdict {
    const known = this.tokens.get(token);
    if (!known) { return 'unknown'; }
    if (this.now() >= known.expires) { return 'expired'; }
    if (repository === undefined) { return 'allowed'; }
    const grants = known.grants.filter(grant => grant.repository === repository);
    if (grants.some(grant => grant.granted.includes(action))) { return 'allowed'; }
    return grants.some(grant => grant.asked.includes(action)) ? 'denied' : 'insufficient';
  }
}

/** Scopes of a token request: several parameters, or several in one. */
export function parseScopes(parameters: readonly string[]): Scope[] {
  return parameters.flatMap(parameter => parameter.split(' ')).map(parseScope).filter(scope => scope !== undefined);
}

function parseScope(scope: string): Scope | undefined {
  const [, repository, actions] = /^repository:([^:]+):([a-z,*]+)$/.exec(scope) ?? [];
  if (repository === undefined || actions === undefined) { return undefined; }
  return {
    repository,
    actions: actions.split(',').flatMap(action => action === '*' ? ['pull', 'push', 'delete'] : [action]),
  };
}
