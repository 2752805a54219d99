import { explained, RegistrarDependencies, settings } from './dependencies';
import { failuresByCause } from './failed-deliveries';
import type { Hook, HookSettings, OrganizationHooks } from './hooks';
import { findOurs, ownUrls } from './own-hook';
import { createOrAdopt } from './registrar';

const DAY_MS = 24 * 3_600_000;

/**
 * Puts right what somebody changed in GitHub, or brings the hook back. The secret is sent anew each time: a rotated one
 * gets there so. Takes no input: everything comes from the environment.
 */
export async function repair(dependencies: RegistrarDependencies): Promise<void> {
  const { own, tokenName } = dependencies;
  if (tokenName === undefined) { return; }
  await explained(own.organization, tokenName, async () => {
    const hooks = await dependencies.hooks(own.organization);
    const id = await putRight(hooks, await find(hooks, dependencies), dependencies);
    await logFailedDeliveries(hooks, id, dependencies);
  });
}

/** Our hook, if it is there and as it should be: for a look between two repairs. */
export async function findSound(
  hooks: OrganizationHooks,
  dependencies: RegistrarDependencies,
): Promise<Hook | undefined> {
  const found = await find(hooks, dependencies);
  return found && differencesOf(
    found,
    { url: dependencies.own.endpointUrl, active: dependencies.own.active === 'true' },
  ).length === 0 ? found : undefined;
}

async function find(hooks: OrganizationHooks, { own }: RegistrarDependencies): Promise<Hook | undefined> {
  return findOurs(await hooks.list(), ownUrls(own));
}

/** @returns the id of the hook */
async function putRight(
  hooks: OrganizationHooks,
  found: Hook | undefined,
  dependencies: RegistrarDependencies,
): Promise<number> {
  const wanted = await settings(dependencies);
  const differences = found ? differencesOf(found, wanted) : ['it was missing'];
  const { id } = found ? await hooks.update(found.id, wanted) : await createOrAdopt(hooks, wanted);
  if (differences.length > 0) {
    dependencies.log.warn(
      'Webhook repaired.',
      { organization: dependencies.own.organization, hookId: id, differences },
    );
  }
  return id;
}

function differencesOf(hook: Hook, wanted: Pick<HookSettings, 'url' | 'active'>): string[] {
  return [
    hook.url !== wanted.url ? `URL was ${hook.url}` : '',
    hook.active !== wanted.active ? `active was ${hook.active}` : '',
    hook.events.join() !== 'package' ? `events were ${hook.events.join(', ') || 'none'}` : '',
    hook.contentType !== 'json' ? `content type was ${hook.contentType || 'none'}` : '',
    hook.insecureSsl !== '0' ? 'TLS verification was off' : '',
    hook.hasSecret ? '' : 'it had no secret',
  ].filter(difference => difference !== '');
}

async function logFailedDeliveries(
  hooks: OrganizationHooks,
  hookId: number,
  { now, log }: RegistrarDependencies,
): Promise<void> {
  const recent = await hooks.deliveries(hookId, now() - DAY_MS);
  for (const { cause, count, newest } of failuresByCause(recent)) {
    log.warn(
      'GitHub could not deliver events in the last day. The schedule makes up for it.',
      { cause, count, newest },
    );
  }
}
