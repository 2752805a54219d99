import { App, Environment, SecretValue, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { GhcrMirror, GhcrMirrorProps } from '../../src';

export interface Synthesized {
  readonly stack: Stack;
  readonly mirror: GhcrMirror;
  readonly template: Template;
}

/** Props that a test adds to the two that are required. A function gets the stack, for props that are resources. */
type Changes = Partial<GhcrMirrorProps> | ((stack: Stack) => Partial<GhcrMirrorProps>);

/** @param context feature flags, of which there are none by default, as in apps that are old */
export function newStack(env?: Environment, context?: Readonly<Record<string, unknown>>): Stack {
  return new Stack(new App({ analyticsReporting: false, context }), 'Stack', { env });
}

export function newMirror(stack: Stack, changes: Changes = {}, id = 'Mirror'): GhcrMirror {
  return new GhcrMirror(stack, id, {
    organization: 'My-Org',
    packagesToken: secret(stack, 'Packages', 'github/packages'),
    ...typeof changes === 'function' ? changes(stack) : changes,
  });
}

export function synth(changes: Changes = {}, env?: Environment): Synthesized {
  const stack = newStack(env);
  const mirror = newMirror(stack, changes);
  return { stack, mirror, template: Template.fromStack(stack) };
}

/** A secret of the user's, imported as one does; the same id gives the same one. */
export function secret(stack: Stack, id: string, name: string): ISecret {
  const existing = stack.node.tryFindChild(id);
  return existing === undefined ? Secret.fromSecretNameV2(stack, id, name) : existing as unknown as ISecret;
}

/** A secret of the stack, with a value that the test does not care for. */
export function ownSecret(stack: Stack, id: string): Secret {
  return new Secret(stack, id, { secretStringValue: SecretValue.unsafePlainText('example') });
}
