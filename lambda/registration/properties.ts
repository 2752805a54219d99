import type { FormerHook } from './removal';
import type { HookProperties, RegistrationProperties } from '../../src/contract/hook';

const DEFAULT_API_URL = 'https://api.github.com';

/**
 * Properties of the hook, as CloudFormation hands them over: every scalar is a string. What is missing was
 * written by an older version of the construct and gets the value that it stood for then.
 */
export function parseHookProperties(properties: Readonly<Record<string, unknown>>): HookProperties {
  return {
    organization: required(properties, 'organization'),
    endpointUrl: required(properties, 'endpointUrl'),
    githubApiUrl: text(properties.githubApiUrl) ?? DEFAULT_API_URL,
    active: text(properties.active) === 'false' ? 'false' : 'true',
    selection: text(properties.selection) ?? '',
  };
}

/** Those of the custom resource, with what makes it necessary to register again. */
export function parseRegistrationProperties(properties: Readonly<Record<string, unknown>>): RegistrationProperties {
  return {
    ...parseHookProperties(properties),
    webhookToken: text(properties.webhookToken),
    webhookSecret: text(properties.webhookSecret),
  };
}

/** What a Delete needs of them. It must not fail, so that nothing is required. */
export function parseFormerHook(properties: Readonly<Record<string, unknown>>): FormerHook {
  return { endpointUrl: text(properties.endpointUrl), githubApiUrl: text(properties.githubApiUrl) ?? DEFAULT_API_URL };
}

function required(properties: Readonly<Record<string, unknown>>, name: keyof HookProperties): string {
  const value = text(properties[name]);
  if (value === undefined) {
    throw new Error(`Property "${name}" of the webhook registration is missing. The GhcrMirror construct sets it: `
      + 'deploy the stack again.');
  }
  return value;
}

/**
 * CloudFormation turns booleans and numbers into strings. An object has no text: its own `toString` may be no function.
 */
function text(value: unknown): string | undefined {
  return ['string', 'number', 'boolean'].includes(typeof value) && value !== '' ? String(value) : undefined;
}
