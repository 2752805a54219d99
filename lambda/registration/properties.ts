import type { HookProperties, RegistrationProperties } from '../../src/contract/hook';

/**
 * Properties of the hook, as CloudFormation hands them over: every scalar is a string. What is missing was
 * written by an older version of the construct and gets the value that it stood for then.
 */
export function parseHookProperties(properties: Readonly<Record<string, unknown>>): HookProperties {
  return {
    organization: required(properties, 'organization'),
    endpointUrl: required(properties, 'endpointUrl'),
    githubApiUrl: text(properties.githubApiUrl) ?? 'https://api.github.com',
    active: text(properties.active) === 'false' ? 'false' : 'true',
    selection: text(properties.selection) ?? '',
  };
}

/** Those of the custom resource, with what makes it necessary to register again. */
export function parseRegistrationProperties(properties: Readonly<Record<string, unknown>>): RegistrationProperties {
  return { ...parseHookProperties(properties), webhookToken: text(properties.webhookToken), webhookSecret: text(properties.webhookSecret) };
}

function required(properties: Readonly<Record<string, unknown>>, name: keyof HookProperties): string {
  const value = text(properties[name]);
  if (value === undefined) {
    throw new Error(`Property "${name}" of the webhook registration is missing. The GhcrMirror construct sets it: deploy the stack again.`);
  }
  return value;
}

/** CloudFormation turns booleans and numbers into strings; a schedule's input keeps them. */
function text(value: unknown): string | undefined {
  return value === undefined || value === null || value === '' ? undefined : String(value);
}
