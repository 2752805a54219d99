/**
 * What the registration keeps true in GitHub. Scalars are strings, because CloudFormation makes them so. As properties they only make
 * CloudFormation call the function: it obeys its environment, and refuses properties that differ from it.
 */
export interface HookProperties {
  readonly organization: string;
  /** URL that GitHub delivers to. */
  readonly endpointUrl: string;
  readonly githubApiUrl: string;
  /** `false` for a hook that a person has disabled on purpose. */
  readonly active: 'true' | 'false';
  /** Changes with everything that decides which images are mirrored, and where to: a change asks for a full sync. */
  readonly selection: string;
}

/** Properties of the custom resource: beside the hook, what else makes it necessary to register again. */
export interface RegistrationProperties extends HookProperties {
  /** ARN of the secret with the webhook token, or `NO_TOKEN`. Undefined in stacks of an older version. */
  readonly webhookToken?: string;
  /** ARN of the secret that GitHub signs with: another one must get there at once. */
  readonly webhookSecret?: string;
}

/** Stands for a mirror without `webhookToken`. */
export const NO_TOKEN = 'none';

/** Input of the daily schedule, which puts the webhook right. It names neither hook nor address: whoever may invoke the function could. */
export const REPAIR_REQUEST = { kind: 'repair' } as const;

/** Input of the schedule that has GitHub send again what it could not deliver. */
export const REDELIVERY_REQUEST = { kind: 'redelivery' } as const;

export type ScheduledRequest = typeof REPAIR_REQUEST | typeof REDELIVERY_REQUEST;

/** Attributes of the custom resource. Templates of earlier versions, which a rollback brings back, read the hook's id. */
export const HOOK_ATTRIBUTES = { hookId: 'HookId', reached: 'Reached' } as const;

/** Path of the webhook endpoint below the API's URL. */
export const WEBHOOK_PATH = '/packages';
