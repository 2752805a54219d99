import type { Logger } from '@aws-lambda-powertools/logger';
import { explainHooksError, isDuplicate, isGone } from './hook-errors';
import type { Hook, HookSettings, OrganizationHooks } from './hooks';
import type { HookProperties } from '../../src/domain/contract';
import type { TokenContext } from '../shared/github-errors';

export interface RegistrarDependencies {
  /** Name of the webhook token's secret; undefined when the mirror has none, and no hook is kept. */
  readonly tokenName: string | undefined;
  /** The hooks of an organization; reads the token when it is called. */
  readonly hooks: (properties: HookProperties) => Promise<OrganizationHooks>;
  /** The secret that GitHub signs with from now on. */
  readonly secret: () => Promise<string>;
  readonly requestSync: () => Promise<unknown>;
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

/** How long GitHub is given to deliver its ping. */
const REACH = { timeoutMs: 30_000, intervalMs: 2_000 };

/** Lets a mirror without hook keep its identity. */
const NO_HOOK = 'none';

/** Identity of the custom resource: `<organization>/<hook id>`. */
export function physicalId(organization: string, hookId: number | typeof NO_HOOK): string {
  return `${organization.toLowerCase()}/${hookId}`;
}

/** Hook id in an identity of ours; undefined in one that a failed or interrupted Create left. */
export function hookIdIn(id: string): number | typeof NO_HOOK | undefined {
  const match = /^[^/]+\/(none|\d+)$/.exec(id);
  if (!match) { return undefined; }
  return match[1] === NO_HOOK ? NO_HOOK : Number(match[1]);
}

/** Registers the hook, or adopts the one that has our URL already, and asks for the first sync. */
export async function create(properties: HookProperties, dependencies: RegistrarDependencies): Promise<Registration> {
  const { tokenName } = dependencies;
  if (tokenName === undefined) { return withoutHook(properties, dependencies); }
  return explained(properties, tokenName, async () => {
    const hooks = await dependencies.hooks(properties);
    const { hook, created } = await createOrAdopt(hooks, await settings(properties, dependencies));
    try {
      return await finish(hooks, hook, properties, dependencies);
    } catch (error) {
      // CloudFormation sends no Delete after a Create that failed: leave nothing behind.
      if (created) { await hooks.remove(hook.id); }
      throw error;
    }
  });
}

/** Patches the hook with its whole configuration; another organization or GitHub gets a hook of its own. */
export async function update(
  id: string, properties: HookProperties, previous: HookProperties, dependencies: RegistrarDependencies,
): Promise<Registration> {
  const hookId = hookIdIn(id);
  const moved = previous.organization.toLowerCase() !== properties.organization.toLowerCase() || previous.githubApiUrl !== properties.githubApiUrl;
  // A new identity makes CloudFormation delete the old one afterwards, with the old properties.
  if (dependencies.tokenName === undefined || moved || typeof hookId !== 'number') { return create(properties, dependencies); }
  return explained(properties, dependencies.tokenName, async () => {
    const hooks = await dependencies.hooks(properties);
    const wanted = await settings(properties, dependencies);
    const hook = await hooks.update(hookId, wanted).catch(async (error: unknown) => {
      if (isGone(error)) { return (await createOrAdopt(hooks, wanted)).hook; }
      throw error;
    });
    return finish(hooks, hook, properties, dependencies);
  });
}

/**
 * Removes exactly our hook. Never fails: a hook that stays behind delivers to an address that is gone, which a person can mend;
 * a stack that can't be deleted is worse. What went wrong is logged as a warning.
 */
export async function remove(id: string, read: () => HookProperties, dependencies: RegistrarDependencies): Promise<void> {
  const hookId = hookIdIn(id);
  if (hookId === NO_HOOK) { return; }
  try {
    const { organization, endpointUrl } = read();
    if (dependencies.tokenName === undefined) { throw new Error('The mirror has no `webhookToken` any more.'); }
    const hooks = await dependencies.hooks(read());
    const found = hookId ?? (await findByUrl(hooks, endpointUrl))?.id;
    if (found === undefined) { return; }
    await hooks.remove(found);
    dependencies.log.info('Webhook removed.', { organization, hookId: found });
  } catch (error) {
    // GitHub answers 404 for a hook that is gone and for one that the token may no longer manage.
    if (isGone(error)) {
      dependencies.log.info('Webhook was gone already, or is out of reach.', { physicalId: id });
      return;
    }
    dependencies.log.warn('The webhook could not be removed: delete it by hand under Organization settings > Webhooks.', { physicalId: id, cause: String(error) });
  }
}

/** Puts right what somebody changed in GitHub, or brings the hook back. The secret is sent anew each time: a rotated one gets there so. */
export async function repair(properties: HookProperties, dependencies: RegistrarDependencies): Promise<void> {
  const { tokenName } = dependencies;
  if (tokenName === undefined) { return; }
  await explained(properties, tokenName, async () => {
    const hooks = await dependencies.hooks(properties);
    const wanted = await settings(properties, dependencies);
    const found = await findByUrl(hooks, properties.endpointUrl);
    const differences = found ? differencesOf(found, wanted) : ['it was missing'];
    const { id } = found ? await hooks.update(found.id, wanted) : await hooks.create(wanted);
    if (differences.length > 0) { dependencies.log.warn('Webhook repaired.', { organization: properties.organization, hookId: id, differences }); }
    await logFailedDeliveries(hooks, id, dependencies);
  });
}

async function withoutHook({ organization }: HookProperties, { requestSync, log }: RegistrarDependencies): Promise<Registration> {
  await requestSync();
  log.info('No `webhookToken`: the mirror follows its schedule, until somebody adds the webhook by hand.', { organization });
  return { physicalId: physicalId(organization, NO_HOOK), hookId: '', reached: 'no: the mirror has no `webhookToken`' };
}

async function finish(
  hooks: OrganizationHooks, hook: Hook, { organization, active }: HookProperties, dependencies: RegistrarDependencies,
): Promise<Registration> {
  const reached = active === 'false' ? 'no: the webhook is disabled' : await waitForPing(hooks, hook.id, dependencies);
  await dependencies.requestSync();
  const line = { organization, hookId: hook.id, reached };
  if (reached === 'yes') { dependencies.log.info('Webhook registered, and GitHub reaches the endpoint.', line); } else {
    dependencies.log.warn('Webhook registered, but GitHub has not reached the endpoint yet.', line);
  }
  return { physicalId: physicalId(organization, hook.id), hookId: String(hook.id), reached };
}

/** Pings, and reads GitHub's delivery log until one of the hook's pings has got through. Not getting through is no failure: the schedule mirrors too. */
async function waitForPing(hooks: OrganizationHooks, hookId: number, { now, sleep }: RegistrarDependencies): Promise<string> {
  const start = now();
  await hooks.ping(hookId);
  let last = 'GitHub has logged no ping yet';
  for (;;) {
    // The log's clock is GitHub's: allow it to be a minute behind ours.
    const pings = (await hooks.deliveries(hookId)).filter(({ event, deliveredAt }) => event === 'ping' && Date.parse(deliveredAt) >= start - 60_000);
    if (pings.some(({ statusCode }) => statusCode === 200)) { return 'yes'; }
    if (pings.length > 0) { last = `GitHub saw ${pings[0].statusCode} ${pings[0].status}`; }
    if (now() - start >= REACH.timeoutMs) { return `no: ${last}`; }
    await sleep(REACH.intervalMs);
  }
}

async function createOrAdopt(hooks: OrganizationHooks, wanted: HookSettings): Promise<{ hook: Hook; created: boolean }> {
  try {
    return { hook: await hooks.create(wanted), created: true };
  } catch (error) {
    const existing = isDuplicate(error) ? await findByUrl(hooks, wanted.url) : undefined;
    if (existing === undefined) { throw error; }
    return { hook: await hooks.update(existing.id, wanted), created: false };
  }
}

async function findByUrl(hooks: OrganizationHooks, url: string): Promise<Hook | undefined> {
  return (await hooks.list()).find(hook => hook.url === url);
}

async function settings({ endpointUrl, active }: HookProperties, { secret }: RegistrarDependencies): Promise<HookSettings> {
  return { url: endpointUrl, secret: await secret(), active: active === 'true' };
}

function differencesOf(hook: Hook, wanted: HookSettings): string[] {
  return [
    hook.active !== wanted.active ? `active was ${hook.active}` : '',
    hook.events.join() !== 'package' ? `events were ${hook.events.join(', ') || 'none'}` : '',
    hook.contentType !== 'json' ? `content type was ${hook.contentType || 'none'}` : '',
    hook.insecureSsl !== '0' ? 'TLS verification was off' : '',
  ].filter(difference => difference !== '');
}

async function logFailedDeliveries(hooks: OrganizationHooks, hookId: number, { now, log }: RegistrarDependencies): Promise<void> {
  const since = now() - 24 * 3_600_000;
  const failed = (await hooks.deliveries(hookId)).filter(({ statusCode, deliveredAt }) =>
    (statusCode === 0 || statusCode >= 400) && Date.parse(deliveredAt) >= since);
  for (const { guid, event, deliveredAt, status, statusCode } of failed) {
    log.warn('GitHub could not deliver an event. The schedule makes up for it.', { delivery: guid, event, deliveredAt, cause: `${statusCode} ${status}` });
  }
}

async function explained<T>({ organization }: HookProperties, tokenName: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const context: TokenContext = { organization, tokenName };
    throw explainHooksError(error, context);
  }
}
