/** What the registration keeps true in GitHub. Scalars are strings, because CloudFormation makes them so. */
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

/** Input of the daily schedule. */
export interface RepairRequest {
  readonly kind: 'repair';
  readonly hook: HookProperties;
  /** The hook that was registered: it is still ours when somebody has changed its URL. */
  readonly hookId?: string;
}

/** Attributes of the custom resource. */
export const HOOK_ATTRIBUTES = { hookId: 'HookId', reached: 'Reached' } as const;

/** Path of the webhook endpoint below the API's URL. */
export const WEBHOOK_PATH = '/packages';
