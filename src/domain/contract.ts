/**
 * Names that the construct and the programs share. The construct fills an `Environment<typeof X>`, the program reads the
 * same list, so a variable that is renamed on one side alone does not compile.
 */
export type Environment<Names extends readonly string[]> = { readonly [Name in Names[number]]: string };

export const WEBHOOK_ENVIRONMENT = ['ORGANIZATION', 'QUEUE_URL', 'WEBHOOK_SECRET_ARN'] as const;

export const DISPATCH_ENVIRONMENT = [
  'GITHUB_API_URL', 'ORGANIZATION', 'PACKAGES_TOKEN_ARN', 'PROJECT_NAME', 'QUEUE_URL', 'REPOSITORY_PREFIX',
] as const;

export const SYNC_ENVIRONMENT = [
  'BUILD_TIMEOUT_MINUTES', 'GITHUB_API_URL', 'ORGANIZATION', 'PACKAGES_TOKEN_ARN', 'PUT_IMAGE_RATE', 'REGISTRY_HOST', 'REPOSITORY_PREFIX',
] as const;

export const REGISTRATION_ENVIRONMENT = ['QUEUE_URL', 'WEBHOOK_SECRET_ARN', 'WEBHOOK_TOKEN_ARN'] as const;

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

/** Variable of a build: JSON array of the packages to sync. Empty or absent: every package of the organization. */
export const PACKAGES_VARIABLE = 'PACKAGES';

/** CodeBuild refuses longer values of an environment variable. */
export const MAX_VARIABLE_LENGTH = 4096;

/** Path of the webhook endpoint below the API's URL. */
export const WEBHOOK_PATH = '/packages';

/** A message of the queue. */
export type SyncMessage = OrganizationMessage | PackageMessage;

/** Reconcile every package: answered with one `PackageMessage` each. */
export interface OrganizationMessage {
  readonly kind: 'organization';
}

/** Reconcile one package. */
export interface PackageMessage {
  readonly kind: 'package';
  /** Package name without the organization; nested names contain `/`. */
  readonly package: string;
  /** Digest that the delivery announced: the package holds at least this one. */
  readonly digest?: string;
  /** X-GitHub-Delivery, to follow one push through all logs. */
  readonly delivery?: string;
}

export const ORGANIZATION_MESSAGE: OrganizationMessage = { kind: 'organization' };

/**
 * Parses the body of a queue message.
 *
 * @throws when it is none of ours: such a message belongs in the dead-letter queue, where a person sees it.
 */
export function parseMessage(body: string): SyncMessage {
  const refuse = (why: string): Error => new Error(
    `Queue message ${why}, expected {"kind":"organization"} or {"kind":"package","package":"NAME"}. `
    + 'Only the mirror itself should send to this queue: look for another sender.');
  const message = parseObject(body);
  if (message === undefined) { throw refuse('is not a JSON object'); }
  if (message.kind === 'organization') { return ORGANIZATION_MESSAGE; }
  if (message.kind !== 'package') { throw refuse(`has kind ${JSON.stringify(message.kind)}`); }
  if (typeof message.package !== 'string' || message.package === '') { throw refuse('names no package'); }
  return {
    kind: 'package',
    package: message.package,
    ...(typeof message.digest === 'string' ? { digest: message.digest } : {}),
    ...(typeof message.delivery === 'string' ? { delivery: message.delivery } : {}),
  };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : undefined;
  } catch {
    return undefined;
  }
}
