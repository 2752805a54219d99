import type { Logger } from '@aws-lambda-powertools/logger';
import { explainHooksError } from './hook-errors';
import type { HookSettings, OrganizationHooks } from './hooks';
import type { OwnHook } from './own-hook';
import { within } from './within';

export interface RegistrarDependencies {
  /** The hook that this function keeps. */
  readonly own: OwnHook;
  /** Region of the function. */
  readonly region: string;
  /** Name of the webhook token's secret; undefined when the mirror has none, and no hook is kept. */
  readonly tokenName: string | undefined;
  /** The hooks of an organization in our GitHub; reads the token when it is called. */
  readonly hooks: (organization: string, signal?: AbortSignal) => Promise<OrganizationHooks>;
  /** The secret that GitHub signs with from now on. */
  readonly secret: () => Promise<string>;
  readonly requestSync: () => Promise<unknown>;
  /** Milliseconds until Lambda ends the invocation. */
  readonly remainingMs: () => number;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<unknown>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

export const BY_HAND = 'under Organization settings > Webhooks';

/** Kept for cleaning up, and for telling CloudFormation. */
const RESERVE_MS = 60_000;

export function inTime<T>(
  { remainingMs }: RegistrarDependencies,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return within(
    remainingMs() - RESERVE_MS,
    'GitHub did not answer in time, or asked to wait longer than a deployment may. Deploy again later.',
    work,
  );
}

/** Runs requests to GitHub; what it refuses is explained. */
export async function explained<T>(organization: string, tokenName: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explainHooksError(error, { organization, tokenName });
  }
}

/** The whole configuration of our hook, with the secret as it is now. */
export async function settings({ own, secret }: RegistrarDependencies): Promise<HookSettings> {
  return { url: own.endpointUrl, secret: await secret(), active: own.active === 'true' };
}
