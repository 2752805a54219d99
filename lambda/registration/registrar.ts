import { BY_HAND, explained, inTime, RegistrarDependencies, settings } from './dependencies';
import { isDuplicate } from './hook-errors';
import type { Hook, HookSettings, OrganizationHooks } from './hooks';
import { findOurs, isOwn, isSameOrganization, ownUrls, requireOwn } from './own-hook';
import { hookIdIn, NO_HOOK, physicalId, UNKNOWN_HOOK } from './physical-id';
import { waitForPing } from './reach';
import { discard, remove } from './removal';
import { NO_TOKEN, RegistrationProperties } from '../../src/contract/hook';

/** The state of a hook after it was put right. */
export interface Registration {
  readonly physicalId: string;
  /** Empty without a hook. */
  readonly hookId: string;
  /** `yes`, or why GitHub has not reached the endpoint. */
  readonly reached: string;
}

/**
 * Registers the hook, or adopts the one that has our URL already, and asks for the first sync.
 *
 * @throws {ForeignProperties} before anything is read or sent, when the properties are not those of the environment
 */
export async function create(
  properties: RegistrationProperties,
  dependencies: RegistrarDependencies,
): Promise<Registration> {
  const { own, tokenName } = dependencies;
  requireOwn(properties, own);
  if (tokenName === undefined || properties.webhookToken === NO_TOKEN) {
    return withoutHook(physicalId(own.organization, NO_HOOK), dependencies);
  }
  return explained(own.organization, tokenName, async () => {
    // Set before GitHub is asked for a hook: the answer may be lost, and the hook be there nevertheless.
    const attempt = { isNew: false };
    try {
      return await inTime(dependencies, async signal => {
        const hooks = await dependencies.hooks(own.organization, signal);
        const wanted = await settings(dependencies);
        const existing = findOurs(await hooks.list(), ownUrls(own));
        attempt.isNew = existing === undefined;
        const hook = existing ? await hooks.update(existing.id, wanted) : await createOrAdopt(hooks, wanted);
        return finish(hooks, hook, attempt.isNew, dependencies);
      });
    } catch (error) {
      // CDK's framework answers the Delete after a failed Create by itself, and we never
      // hear of it: leave nothing behind.
      if (attempt.isNew) { await discard(dependencies); }
      throw error;
    }
  });
}

/**
 * Patches the hook with its whole configuration; another organization or GitHub gets a hook of its own.
 *
 * @throws {ForeignProperties} when neither the properties nor the previous ones are those of the environment
 */
export async function update(
  id: string, properties: RegistrationProperties, previous: RegistrationProperties, dependencies: RegistrarDependencies,
): Promise<Registration> {
  const { own, tokenName } = dependencies;
  const hookId = hookIdIn(id);
  if (!isOwn(properties, own) && isOwn(previous, own)) { return standBy(id, properties, previous, dependencies); }
  requireOwn(properties, own);
  if (tokenName === undefined || properties.webhookToken === NO_TOKEN) { return release(id, previous, dependencies); }
  const moved = !isSameOrganization(previous.organization, own.organization)
    || previous.githubApiUrl !== own.githubApiUrl;
  // A new identity makes CloudFormation delete the old one afterwards, with the old properties.
  if (moved || hookId === NO_HOOK) { return create(properties, dependencies); }
  return explained(own.organization, tokenName, () => inTime(dependencies, async signal => {
    const hooks = await dependencies.hooks(own.organization, signal);
    const { hook, isNew } = await patchOrReplace(hooks, hookId, dependencies);
    // The identity stays, even of a hook that had to be made anew: otherwise CloudFormation would delete
    // "the old one" by the URL of both.
    return { ...await finish(hooks, hook, isNew, dependencies), physicalId: id };
  }));
}

/**
 * A deployment is being rolled back, and the function still has that deployment's environment: CloudFormation
 * doesn't document which of the two it restores first. Nothing is changed in GitHub. The schedule puts the hook
 * right when the environment is back. In an organization that the mirror returns to, our hook is looked up, so
 * that the identity names it again.
 */
async function standBy(
  id: string, properties: RegistrationProperties, previous: RegistrationProperties, dependencies: RegistrarDependencies,
): Promise<Registration> {
  const { own, tokenName, log, requestSync } = dependencies;
  if (properties.webhookToken === NO_TOKEN) { return release(id, previous, dependencies); }
  log.info(
    'The function still has the environment of the deployment that is being rolled back: '
      + 'the schedule puts the webhook right.',
    { physicalId: id },
  );
  await requestSync();
  const stays = isSameOrganization(properties.organization, own.organization)
    && properties.githubApiUrl === own.githubApiUrl;
  const identity = stays || tokenName === undefined ? id : await formerIdentity(properties, tokenName, dependencies);
  const hookId = hookIdIn(identity);
  return {
    physicalId: identity,
    hookId: typeof hookId === 'number' ? String(hookId) : '',
    reached: 'no: the deployment was rolled back',
  };
}

async function formerIdentity(
  { organization, githubApiUrl }: RegistrationProperties, tokenName: string, dependencies: RegistrarDependencies,
): Promise<string> {
  const { own } = dependencies;
  if (githubApiUrl !== own.githubApiUrl) { return physicalId(organization, UNKNOWN_HOOK); }
  const found = await explained(organization, tokenName, () => inTime(dependencies, async signal => {
    const hooks = await dependencies.hooks(organization, signal);
    return findOurs(await hooks.list(), ownUrls(own));
  }));
  return physicalId(organization, found?.id ?? UNKNOWN_HOOK);
}

async function withoutHook(
  id: string,
  { requestSync, own: { organization }, log }: RegistrarDependencies,
): Promise<Registration> {
  await requestSync();
  log.info('No `webhookToken`: the mirror follows its schedule, until somebody adds the webhook by hand.', {
    organization,
  });
  return { physicalId: id, hookId: '', reached: 'no: the mirror has no `webhookToken`' };
}

/** The mirror is no longer given a token. */
async function release(
  id: string,
  previous: RegistrationProperties,
  dependencies: RegistrarDependencies,
): Promise<Registration> {
  const { own, tokenName, log } = dependencies;
  const none = physicalId(own.organization, NO_HOOK);
  if (hookIdIn(id) === NO_HOOK) { return withoutHook(none, dependencies); }
  if (tokenName !== undefined) {
    // The deployment that brought the token is being rolled back, and the function still has it.
    await remove(id, previous, dependencies);
    return withoutHook(none, dependencies);
  }
  log.warn(
    'The mirror has no `webhookToken` any more. Its webhook stays in GitHub and keeps delivering; '
      + `nobody repairs or removes it: do so by hand ${BY_HAND}.`,
    { physicalId: id },
  );
  // It keeps its identity, so that a token that comes back finds it.
  return withoutHook(id, dependencies);
}

async function finish(
  hooks: OrganizationHooks,
  hook: Hook,
  isNew: boolean,
  dependencies: RegistrarDependencies,
): Promise<Registration> {
  const { own: { organization, active }, log } = dependencies;
  const reached = active === 'false'
    ? 'no: the webhook is disabled'
    : await waitForPing(hooks, hook.id, isNew, dependencies);
  await dependencies.requestSync();
  const line = { organization, hookId: hook.id, reached };
  if (reached === 'yes') {
    log.info('Webhook registered, and GitHub reaches the endpoint.', line);
  } else if (active === 'false') {
    log.info('Webhook registered, but disabled, as `webhookActive` says.', line);
  } else {
    log.warn('Webhook registered, but GitHub has not reached the endpoint yet.', line);
  }
  return { physicalId: physicalId(organization, hook.id), hookId: String(hook.id), reached };
}

/** Creates the hook. Another attempt whose answer was lost may have made it: then that one is taken. */
export async function createOrAdopt(hooks: OrganizationHooks, wanted: HookSettings): Promise<Hook> {
  try {
    return await hooks.create(wanted);
  } catch (error) {
    const existing = isDuplicate(error) ? findOurs(await hooks.list(), [wanted.url]) : undefined;
    if (existing === undefined) { throw error; }
    return hooks.update(existing.id, wanted);
  }
}

/** @param hookId undefined for an identity that an interrupted Create left */
async function patchOrReplace(
  hooks: OrganizationHooks, hookId: number | undefined, dependencies: RegistrarDependencies,
): Promise<{ hook: Hook; isNew: boolean }> {
  const wanted = await settings(dependencies);
  const all = await hooks.list();
  const existing = findOurs(all, ownUrls(dependencies.own), hookId);
  warnOfStray(all.find(({ id }) => id === hookId), existing, dependencies);
  return existing
    ? { hook: await hooks.update(existing.id, wanted), isNew: false }
    : { hook: await createOrAdopt(hooks, wanted), isNew: true };
}

/** A former `webhookUrl` is in no environment any more, so that nothing proves that a hook with it is ours. */
function warnOfStray(former: Hook | undefined, existing: Hook | undefined, { log }: RegistrarDependencies): void {
  if (former === undefined || former.id === existing?.id) { return; }
  log.warn(
    "The webhook that was registered delivers to another URL by now, and is left alone. If it was this mirror's, "
      + `delete it by hand ${BY_HAND}.`,
    { hookId: former.id, url: former.url },
  );
}
