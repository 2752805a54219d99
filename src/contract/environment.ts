/**
 * Environment variables of a program. The construct fills an `Environment<typeof X_ENVIRONMENT>`, and the program reads
 * the same list of names, so that a variable which is renamed on one side alone does not compile.
 */
export type Environment<Names extends readonly string[]> = { readonly [Name in Names[number]]: string };

export const WEBHOOK_ENVIRONMENT = ['ORGANIZATION', 'QUEUE_URL', 'WEBHOOK_SECRET_ARN'] as const;

export const DISPATCH_ENVIRONMENT = [
  'GITHUB_API_URL', 'ORGANIZATION', 'PACKAGES_TOKEN_ARN', 'PROJECT_NAME', 'QUEUE_URL', 'REPOSITORY_PREFIX',
] as const;

export const SYNC_ENVIRONMENT = [
  'BUILD_TIMEOUT_MINUTES', 'ENGINE', 'GITHUB_API_URL', 'ORGANIZATION', 'PACKAGES_TOKEN_ARN', 'PUT_IMAGE_RATE',
  'REGISTRY_HOST', 'REPOSITORY_PREFIX',
] as const;

/** Variable that the buildspec's first command sets: when it ran, in seconds since the epoch. */
export const BUILD_START_VARIABLE = 'BUILD_START_SECONDS';

export const REGISTRATION_ENVIRONMENT = [
  'ENDPOINT_URL', 'EXECUTE_API_URL', 'GITHUB_API_URL', 'ORGANIZATION', 'QUEUE_URL', 'WEBHOOK_ACTIVE',
  'WEBHOOK_SECRET_ARN', 'WEBHOOK_TOKEN_ARN',
] as const;

/**
 * Variable of a single build: a JSON array of the packages to sync. If it is empty or absent, the build syncs every
 * package of the organization.
 */
export const PACKAGES_VARIABLE = 'PACKAGES';

/**
 * Variable of a build: `push` or `reconcile`, whatever asked for it. Dispatch counts the builds of reconciles by it.
 */
export const PURPOSE_VARIABLE = 'PURPOSE';

/** Longest value of an environment variable that CodeBuild accepts, in characters. */
export const MAX_VARIABLE_LENGTH = 4096;
