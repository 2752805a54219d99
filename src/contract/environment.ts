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
  'BUILD_TIMEOUT_MINUTES', 'GITHUB_API_URL', 'ORGANIZATION', 'PACKAGES_TOKEN_ARN', 'PUT_IMAGE_RATE', 'REGISTRY_HOST', 'REPOSITORY_PREFIX',
] as const;

export const REGISTRATION_ENVIRONMENT = ['QUEUE_URL', 'WEBHOOK_SECRET_ARN', 'WEBHOOK_TOKEN_ARN'] as const;

/**
 * Variable of a single build: a JSON array of the packages to sync. If it is empty or absent, the build syncs every
 * package of the organization.
 */
export const PACKAGES_VARIABLE = 'PACKAGES';

/** Longest value of an environment variable that CodeBuild accepts, in characters. */
export const MAX_VARIABLE_LENGTH = 4096;
