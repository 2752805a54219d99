/**
 * Webhook as the registration keeps it in GitHub. `active` is a string, because CloudFormation turns scalars into
 * strings. As properties of the custom resource, these values only make CloudFormation call the function: it obeys its
 * environment, and refuses properties that differ from it.
 */
export interface HookProperties {
  /** Login of the organization that has the hook. */
  readonly organization: string;
  /** URL that GitHub delivers to. */
  readonly endpointUrl: string;
  /** Base URL of GitHub's REST API, without a trailing slash. */
  readonly githubApiUrl: string;
  /** `false` for a hook that is registered, but disabled (`webhookActive`). */
  readonly active: 'true' | 'false';
  /**
   * The settings that decide which images are mirrored and where to, as text. CloudFormation invokes the function only
   * when a property changes, so they have to be in a property for a change of them to start a full sync.
   */
  readonly selection: string;
}

/** Properties of the custom resource: the hook, and the secrets whose replacement has to register it again. */
export interface RegistrationProperties extends HookProperties {
  /**
   * ARN of the secret that holds the webhook token, or `NO_TOKEN`. Stacks of an older version have no such property.
   */
  readonly webhookToken?: string;
  /** ARN of the secret that GitHub signs with. If it is replaced, GitHub has to get the new value at once. */
  readonly webhookSecret?: string;
}

/** Value of `webhookToken` for a mirror that was given none. */
export const NO_TOKEN = 'none';

/**
 * Input of the daily schedule, which puts the webhook right. It names neither hook nor address: whoever
 * may invoke the function could.
 */
export const REPAIR_REQUEST = { kind: 'repair' } as const;

/** Input of the schedule that has GitHub send again what it could not deliver. */
export const REDELIVERY_REQUEST = { kind: 'redelivery' } as const;

export type ScheduledRequest = typeof REPAIR_REQUEST | typeof REDELIVERY_REQUEST;

/**
 * Attributes of the custom resource. Templates of earlier versions, which a rollback brings back, read the hook's id.
 */
export const HOOK_ATTRIBUTES = { hookId: 'HookId', reached: 'Reached' } as const;

/** Path of the webhook endpoint below the API's URL. */
export const WEBHOOK_PATH = '/packages';
