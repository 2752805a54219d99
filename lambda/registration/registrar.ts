import type { Logger } from '@aws-lambda-powertools/logger';
import { failedDeliveries } from './failed-deliveries';
import { explainHooksError, isDuplicate, isGone } from './hook-errors';
import type { Hook, HookSettings, OrganizationHooks } from './hooks';
import { hookIdIn, NO_HOOK, physicalId } from './physical-id';
import { waitForPing } from './reach';
import { within } from './within';
import { HookProperties, NO_TOKEN, RegistrationProperties } from '../../src/contract/hook';

export interface RegistrarDependencies {
  /** Name of the webhook token's secret; undefined when the mirror has none, and no hook is kept. */
  readonly tokenName: string | undefined;
  /** The hooks of an organization; reads the token when it is called. */
  readonly hooks: (properties: HookProperties, signal?: AbortSignal) => Promise<OrganizationHooks>;
  /** The secret that GitHub signs with from now on. */
  readonly secret: () => Promise<string>;
  readonly requestSync: () => Promise<unknown>;
  /** Milliseconds until Lambda ends the invocation. */
  readonly remainingMs: () => number;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<unknown>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

/** The state of a hook after it was put right. */
export interface Registration {
  readonly physicalId: string;
  /** Empty without a hook. */
  readonly hookId: string;
  /** `yes`, or why GitHub has not reached the endpoint. */
  readonly reached: string;
}

/** Kept for cleaning up, and for telling CloudFormation. */
const RESERVE_MS = 60_000;

const BY_HAND = 'under Organization settings > Webhooks';

/** Registers the hook, or adopts the one that has our URL already, and asks for the first sync. */
export async function create(properties: RegistrationProperties, dependencies: RegistrarDependencies): Promise<Registration> {
  const { tokenName } = dependencies;
  if (tokenName === undefined || properties.webhookToken === NO_TOKEN) {
    return withoutHook(properties, physicalId(properties.organization, NO_HOOK), dependencies);
  }
  return explained(properties, tokenName, async () => {
    // Set before GitHub is asked for a hook: the answer may be lost, and the hook be there nevertheless.
    const attempt = { isNew: false };
    try {
      return await inTime(dependencies, async signal => {
        const hooks = await dependencies.hooks(properties, signal);
        const wanted = await settings(properties, dependencies);
        const existing = findByUrl(await hooks.list(), wanted.url);
        attempt.isNew = existing === undefined;
        const hook = existing ? await hooks.update(existing.id, wanted) : await createOrAdopt(hooks, wanted);
        return finish(hooks, hook, attempt.isNew, properties, dependencies);
      });
    } catch (error) {
      // CDK's framework answers the Delete after a failed Create by itself, and we never hear of it: leave nothing behind.
      if (attempt.isNew) { await discard(properties, dependencies); }
      throw error;
    }
  });
}

/** Patches the hook with its whole configuration; another organization or GitHub gets a hook of its own. */
export async function update(
  id: string, properties: RegistrationProperties, previous: RegistrationProperties, dependencies: RegistrarDependencies,
): Promise<Registration> {
  const { tokenName } = dependencies;
  const hookId = hookIdIn(id);
  if (tokenName === undefined || properties.webhookToken === NO_TOKEN) { return release(id, properties, previous, dependencies); }
  const moved = previous.organization.toLowerCase() !== properties.organization.toLowerCase() || previous.githubApiUrl !== properties.githubApiUrl;
  // A new identity makes CloudFormation delete the old one afterwards, with the old properties.
  if (moved || hookId === NO_HOOK) { return create(properties, dependencies); }
  return explained(properties, tokenName, () => inTime(dependencies, async signal => {
    const hooks = await dependencies.hooks(properties, signal);
    const { hook, isNew } = await patchOrReplace(hooks, hookId, await settings(properties, dependencies));
    // The identity stays, even of a hook that had to be made anew: otherwise CloudFormation would delete "the old one" by the URL of both.
    return { ...await finish(hooks, hook, isNew, properties, dependencies), physicalId: id };
  }));
}

/**
 * Removes exactly our hook. Never fails: a hook that stays behind delivers to an address that is gone, which a person can mend;
 * a stack that can't be deleted is worse. What went wrong is logged as a warning.
 */
export async function remove(id: string, read: () => HookProperties, dependencies: RegistrarDependencies): Promise<void> {
  const { tokenName, log } = dependencies;
  const hookId = hookIdIn(id);
  if (hookId === NO_HOOK) { return; }
  try {
    const properties = read();
    const { organization } = properties;
    if (tokenName === undefined) { throw new Error('The mirror has no `webhookToken` any more.'); }
    const removed = await explained(properties, tokenName, () => inTime(dependencies, async signal =>
      removeHook(await dependencies.hooks(properties, signal), hookId, properties.endpointUrl)));
    log.info(removed === undefined ? 'Webhook was gone already.' : 'Webhook removed.', { organization, hookId: removed ?? hookId });
  } catch (error) {
    log.warn(`The webhook could not be removed: delete it by hand ${BY_HAND}.`, { physicalId: id, cause: String(error) });
  }
}

/** Puts right what somebody changed in GitHub, or brings the hook back. The secret is sent anew each time: a rotated one gets there so. */
export async function repair(properties: HookProperties, hookId: string | undefined, dependencies: RegistrarDependencies): Promise<void> {
  const { tokenName, log } = dependencies;
  if (tokenName === undefined) { return; }
  await explained(properties, tokenName, async () => {
    const hooks = await dependencies.hooks(properties);
    const wanted = await settings(properties, dependencies);
    const all = await hooks.list();
    const found = findByUrl(all, properties.endpointUrl) ?? all.find(({ id }) => String(id) === hookId);
    const differences = found ? differencesOf(found, wanted) : ['it was missing'];
    const { id } = found ? await hooks.update(found.id, wanted) : await createOrAdopt(hooks, wanted);
    if (differences.length > 0) { log.warn('Webhook repaired.', { organization: properties.organization, hookId: id, differences }); }
    await logFailedDeliveries(hooks, id, dependencies);
  });
}

async function withoutHook({ organization }: HookProperties, id: string, { requestSync, log }: RegistrarDependencies): Promise<Registration> {
  await requestSync();
  log.info('No `webhookToken`: the mirror follows its schedule, until somebody adds the webhook by hand.', { organization });
  return { physicalId: id, hookId: '', reached: 'no: the mirror has no `webhookToken`' };
}

/** The mirror is no longer given a token. */
async function release(
  id: string, properties: HookProperties, previous: HookProperties, dependencies: RegistrarDependencies,
): Promise<Registration> {
  if (hookIdIn(id) === NO_HOOK) { return withoutHook(properties, physicalId(properties.organization, NO_HOOK), dependencies); }
  if (dependencies.tokenName !== undefined) {
    // The deployment that brought the token is being rolled back, and the function still has it.
    await remove(id, () => previous, dependencies);
    return withoutHook(properties, physicalId(properties.organization, NO_HOOK), dependencies);
  }
  dependencies.log.warn(`The mirror has no \`webhookToken\` any more. Its webhook stays in GitHub and keeps delivering; nobody repairs or removes it: do so by hand ${BY_HAND}.`, { physicalId: id });
  // It keeps its identity, so that a token that comes back finds it.
  return withoutHook(properties, id, dependencies);
}

async function finish(
  hooks: OrganizationHooks, hook: Hook, isNew: boolean, { organization, active }: HookProperties, dependencies: RegistrarDependencies,
): Promise<Registration> {
  const reached = active === 'false' ? 'no: the webhook is disabled' : await waitForPing(hooks, hook.id, isNew, dependencies);
  await dependencies.requestSync();
  const line = { organization, hookId: hook.id, reached };
  if (reached === 'yes') {
    dependencies.log.info('Webhook registered, and GitHub reaches the endpoint.', line);
  } else if (active === 'false') {
    dependencies.log.info('Webhook registered, but disabled, as `webhookActive` says.', line);
  } else {
    dependencies.log.warn('Webhook registered, but GitHub has not reached the endpoint yet.', line);
  }
  return { physicalId: physicalId(organization, hook.id), hookId: String(hook.id), reached };
}

async function createOrAdopt(hooks: OrganizationHooks, wanted: HookSettings): Promise<Hook> {
  try {
    return await hooks.create(wanted);
  } catch (error) {
    // A first try may have got through whose answer was lost; the client tries again by itself.
    const existing = isDuplicate(error) ? findByUrl(await hooks.list(), wanted.url) : undefined;
    if (existing === undefined) { throw error; }
    return hooks.update(existing.id, wanted);
  }
}

/** @param hookId undefined for an identity that an interrupted Create left */
async function patchOrReplace(hooks: OrganizationHooks, hookId: number | undefined, wanted: HookSettings): Promise<{ hook: Hook; isNew: boolean }> {
  if (hookId !== undefined) {
    try {
      return { hook: await hooks.update(hookId, wanted), isNew: false };
    } catch (error) {
      if (!isGone(error)) { throw error; }
    }
  }
  const existing = findByUrl(await hooks.list(), wanted.url);
  return existing ? { hook: await hooks.update(existing.id, wanted), isNew: false } : { hook: await createOrAdopt(hooks, wanted), isNew: true };
}

/**
 * Removes the hook of the identity, or else the one with our URL: an interrupted Create has left it, or the daily repair has made it.
 *
 * @returns which one; undefined when there is none. Listing tells a hook that is gone from one that is out of the token's reach.
 */
async function removeHook(hooks: OrganizationHooks, hookId: number | undefined, url: string): Promise<number | undefined> {
  if (hookId !== undefined) {
    try {
      await hooks.remove(hookId);
      return hookId;
    } catch (error) {
      if (!isGone(error)) { throw error; }
    }
  }
  const found = findByUrl(await hooks.list(), url);
  if (found) { await hooks.remove(found.id); }
  return found?.id;
}

/** Takes back a hook that a failed Create may have made. Its own failure must not hide the first one. */
async function discard(properties: HookProperties, { hooks, log }: RegistrarDependencies): Promise<void> {
  try {
    await removeHook(await hooks(properties), undefined, properties.endpointUrl);
  } catch (error) {
    log.warn(`Nobody knows whether the registration that failed has left a webhook: look for ${properties.endpointUrl} ${BY_HAND}.`, { organization: properties.organization, cause: String(error) });
  }
}

/** Our hook; a person may have added another with the same URL for other events. */
function findByUrl(hooks: readonly Hook[], url: string): Hook | undefined {
  const ours = hooks.filter(hook => hook.url === url);
  return ours.find(({ events }) => events.includes('package') || events.includes('*')) ?? ours[0];
}

async function settings({ endpointUrl, active }: HookProperties, { secret }: RegistrarDependencies): Promise<HookSettings> {
  return { url: endpointUrl, secret: await secret(), active: active === 'true' };
}

function differencesOf(hook: Hook, wanted: HookSettings): string[] {
  return [
    hook.url !== wanted.url ? `URL was ${hook.url}` : '',
    hook.active !== wanted.active ? `active was ${hook.active}` : '',
    hook.events.join() !== 'package' ? `events were ${hook.events.join(', ') || 'none'}` : '',
    hook.contentType !== 'json' ? `content type was ${hook.contentType || 'none'}` : '',
    hook.insecureSsl !== '0' ? 'TLS verification was off' : '',
    hook.hasSecret ? '' : 'it had no secret',
  ].filter(difference => difference !== '');
}

async function logFailedDeliveries(hooks: OrganizationHooks, hookId: number, { now, log }: RegistrarDependencies): Promise<void> {
  const recent = await hooks.deliveries(hookId, now() - 24 * 3_600_000);
  for (const { cause, count, newest } of failedDeliveries(recent)) {
    log.warn('GitHub could not deliver events in the last day. The schedule makes up for it.', { cause, count, newest });
  }
}

function inTime<T>({ remainingMs }: RegistrarDependencies, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  return within(remainingMs() - RESERVE_MS, 'GitHub did not answer in time, or asked to wait longer than a deployment may. Deploy again later.', work);
}

async function explained<T>({ organization }: HookProperties, tokenName: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explainHooksError(error, { organization, tokenName });
  }
}
