import type { Hook } from './hooks';
import type { Environment, REGISTRATION_ENVIRONMENT } from '../../src/contract/environment';
import type { HookProperties } from '../../src/contract/hook';

/**
 * The hook that this function keeps. All of it comes from the function's environment: an event could name anybody's.
 */
export interface OwnHook {
  readonly organization: string;
  /** URL that GitHub delivers to. */
  readonly endpointUrl: string;
  /** URL of the endpoint at the API itself, which GitHub was told before the mirror was given a `webhookUrl`. */
  readonly executeApiUrl: string;
  readonly githubApiUrl: string;
  readonly active: 'true' | 'false';
}

/** The hook as the construct describes it. */
export function ownHook(environment: Environment<typeof REGISTRATION_ENVIRONMENT>): OwnHook {
  return {
    organization: environment.ORGANIZATION,
    endpointUrl: environment.ENDPOINT_URL,
    executeApiUrl: environment.EXECUTE_API_URL,
    githubApiUrl: environment.GITHUB_API_URL,
    active: environment.WEBHOOK_ACTIVE === 'false' ? 'false' : 'true',
  };
}

/** Properties of an event that are not those of the environment. */
export class ForeignProperties extends Error {
  public override readonly name = 'ForeignProperties';
}

/** @throws naming what differs from the environment, so that nothing is sent where an event says */
export function requireOwn(properties: HookProperties, own: OwnHook): void {
  const differences = differencesFrom(own, properties);
  if (differences.length > 0) {
    throw new ForeignProperties(`The event is not about this mirror: ${differences.join('; ')}. `
      + 'The GhcrMirror construct gives the function and its '
      + 'custom resource the same values: deploy the stack again, and look for another caller of the function '
      + 'if nobody has changed it.');
  }
}

export function isOwn(properties: HookProperties, own: OwnHook): boolean {
  return differencesFrom(own, properties).length === 0;
}

/** Logins are compared as GitHub does, without case. */
export function isSameOrganization(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function differencesFrom(own: OwnHook, properties: HookProperties): string[] {
  const names = ['endpointUrl', 'githubApiUrl', 'active'] as const;
  const different = names.filter(name => properties[name] !== own[name]);
  return [
    ...isSameOrganization(properties.organization, own.organization) ? [] : ['organization'] as const,
    ...different,
  ]
    .map(name => `property "${name}" is "${properties[name]}", expected "${own[name]}"`);
}

/** URLs by which a hook is known as ours. */
export function ownUrls({ endpointUrl, executeApiUrl }: OwnHook): readonly string[] {
  return [...new Set([endpointUrl, executeApiUrl])];
}

/**
 * Our hook: the one with this id as long as its URL is ours, or else the one with our URL, which an interrupted Create
 * has left or a repair has made. A hook with this id and another URL belongs to somebody by now, or always did.
 */
export function findOurs(hooks: readonly Hook[], urls: readonly string[], id?: number): Hook | undefined {
  const known = hooks.find(hook => hook.id === id && urls.includes(hook.url));
  return known ?? urls.map(url => findByUrl(hooks, url)).find(hook => hook !== undefined);
}

/** A person may have added another hook with the same URL for other events. */
function findByUrl(hooks: readonly Hook[], url: string): Hook | undefined {
  const ours = hooks.filter(hook => hook.url === url);
  return ours.find(({ events }) => events.includes('package') || events.includes('*')) ?? ours[0];
}

/**
 * Whether a URL is the endpoint of some mirror's API in this region. Nothing in it tells the account.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-publish.html
 */
export function isExecuteApiUrl(url: string, region: string): boolean {
  const [, found] = /^https:\/\/[a-z0-9]+\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/packages$/.exec(url) ?? [];
  return found === region;
}
