import { explained, inTime, RegistrarDependencies, settings } from './dependencies';
import { HEALING, planHealing } from './failed-deliveries';
import { isGone } from './hook-errors';
import type { HookDelivery, OrganizationHooks } from './hooks';
import { findSound, repair } from './repair';

/**
 * GitHub delivers once and never tries again by itself. Every ten minutes this reads what it could not deliver, and has
 * it send that again: after an outage, a flood that took the endpoint's throttle, or a rotation of the secret. A hook
 * that is gone or changed is repaired first.
 */
export async function redeliverFailed(dependencies: RegistrarDependencies): Promise<void> {
  const { own, tokenName, now } = dependencies;
  if (tokenName === undefined) { return; }
  await explained(own.organization, tokenName, () => inTime(dependencies, async signal => {
    const hooks = await dependencies.hooks(own.organization, signal);
    const hook = await findSound(hooks, dependencies);
    if (hook === undefined) { return repair(dependencies); }
    const healing = planHealing(await hooks.recentDeliveries(hook.id, now() - HEALING.windowMs), now());
    switch (healing.kind) {
      case 'nothing': return;
      case 'redeliver': return redeliver(hooks, hook.id, healing.deliveries, dependencies);
      case 'reconcile': return reconcile(healing.failed, dependencies);
    }
  }));
}

async function redeliver(
  hooks: OrganizationHooks, hookId: number, deliveries: readonly HookDelivery[], dependencies: RegistrarDependencies,
): Promise<void> {
  const { log } = dependencies;
  // Refused signatures: GitHub may sign with another secret than the mirror's.
  if (deliveries.some(({ statusCode }) => statusCode === 401)) {
    await hooks.update(hookId, await settings(dependencies));
  }
  for (const { id, guid, statusCode, status } of deliveries) {
    try {
      await hooks.redeliver(hookId, id);
      log.info('GitHub was asked to deliver an event again.', { delivery: guid, cause: `${statusCode} ${status}` });
    } catch (error) {
      if (!isGone(error)) { throw error; }
      log.warn('GitHub has forgotten a delivery that failed: the schedule makes up for it.', { delivery: guid });
    }
  }
}

async function reconcile(failed: number, { log, requestSync }: RegistrarDependencies): Promise<void> {
  log.warn('GitHub could not deliver many events: a full reconcile makes up for them.', { failed });
  await requestSync();
}
