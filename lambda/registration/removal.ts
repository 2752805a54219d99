import { BY_HAND, explained, inTime, RegistrarDependencies } from './dependencies';
import { isGone } from './hook-errors';
import type { Hook, OrganizationHooks } from './hooks';
import { findOurs, isExecuteApiUrl, OwnHook, ownUrls } from './own-hook';
import { hookIdIn, NO_HOOK, organizationIn } from './physical-id';

/**
 * What a Delete tells beside the identity: properties of the hook as it was. They decide
 * nothing but what is left alone.
 */
export interface FormerHook {
  readonly endpointUrl?: string;
  readonly githubApiUrl: string;
}

/**
 * Removes exactly our hook. CloudFormation sends the Delete of a replaced identity after it has updated the function,
 * so that the organization is the identity's. Never fails: a hook that stays behind delivers to an address that is
 * gone, which a person can mend; a stack that can't be deleted is worse. What went wrong is logged as a warning.
 */
export async function remove(id: string, former: FormerHook, dependencies: RegistrarDependencies): Promise<void> {
  const { own, tokenName, log } = dependencies;
  const hookId = hookIdIn(id);
  if (hookId === NO_HOOK) { return; }
  const organization = organizationIn(id) ?? own.organization;
  try {
    if (tokenName === undefined) { throw new Error('The mirror has no `webhookToken` any more.'); }
    requireSameGitHub(former, own);
    const removed = await explained(organization, tokenName, () => inTime(dependencies, async signal =>
      removeHook(await dependencies.hooks(organization, signal), hookId, former, dependencies)));
    log.info(
      removed === undefined ? 'Webhook was gone already.' : 'Webhook removed.',
      { organization, hookId: removed ?? hookId },
    );
  } catch (error) {
    log.warn(
      `The webhook could not be removed: delete it by hand ${BY_HAND}.`,
      { physicalId: id, cause: String(error) },
    );
  }
}

/** Takes back a hook that a failed Create may have made. Its own failure must not hide the first one. */
export async function discard(dependencies: RegistrarDependencies): Promise<void> {
  const { hooks, log, own } = dependencies;
  try {
    await removeHook(await hooks(own.organization), undefined, own, dependencies);
  } catch (error) {
    log.warn(
      `Nobody knows whether the registration that failed has left a webhook: look for ${own.endpointUrl} ${BY_HAND}.`,
      { organization: own.organization, cause: String(error) },
    );
  }
}

/** The token must not be sent to an address that an event names, and ids of another GitHub mean nothing in ours. */
function requireSameGitHub({ githubApiUrl }: FormerHook, own: OwnHook): void {
  if (githubApiUrl !== own.githubApiUrl) {
    throw new Error(`The webhook was registered at ${githubApiUrl}, `
      + `and the mirror's token is for ${own.githubApiUrl}.`);
  }
}

/**
 * @returns which one; undefined when there is none. Listing tells a hook that is gone from one
 * that is out of the token's reach.
 */
async function removeHook(
  hooks: OrganizationHooks, hookId: number | undefined, former: FormerHook, dependencies: RegistrarDependencies,
): Promise<number | undefined> {
  const found = findRemovable(await hooks.list(), hookId, former, dependencies);
  if (found === undefined) { return undefined; }
  try {
    await hooks.remove(found.id);
  } catch (error) {
    if (!isGone(error)) { throw error; }
  }
  return found.id;
}

/** Our hook; or the one of the identity, with the URL of an API that this stack had before. */
function findRemovable(
  all: readonly Hook[], hookId: number | undefined, { endpointUrl }: FormerHook, { own, region }: RegistrarDependencies,
): Hook | undefined {
  // An interrupted Create at another address has left nothing that could be told from somebody's.
  if (hookId === undefined && endpointUrl !== undefined && !ownUrls(own).includes(endpointUrl)) { return undefined; }
  const replaced = all.find(({ id, url }) => id === hookId && url === endpointUrl && isExecuteApiUrl(url, region));
  return replaced ?? findOurs(all, ownUrls(own), hookId);
}
