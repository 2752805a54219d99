import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CfnResource } from 'aws-cdk-lib';
import { everyProp } from './every-prop';
import { newMirror, newStack } from './synth';

/** Resources by their path in the stack, such as `Mirror/Queues/Queue/Resource`. */
export type LogicalIds = Readonly<Record<string, { readonly type: string; readonly id: string }>>;

/** The committed lists, by the name of the mirror. */
export type Mirrors = Readonly<Record<string, LogicalIds>>;

const FILE = join(__dirname, 'logical-ids.json');

export function committed(): Mirrors {
  return JSON.parse(readFileSync(FILE, 'utf8')) as Mirrors;
}

export function commit(mirrors: Mirrors): void {
  writeFileSync(FILE, `${JSON.stringify(mirrors, null, 2)}\n`);
}

/** The resources that the source of today makes. */
export function synthesized(): Mirrors {
  return { 'default': logicalIds(false), 'every prop': logicalIds(true) };
}

function logicalIds(withEveryProp: boolean): LogicalIds {
  const stack = newStack();
  const resources = newMirror(stack, withEveryProp ? everyProp : {}).node.findAll().filter(CfnResource.isCfnResource);
  return Object.fromEntries(resources
    .map(resource => [resource.node.path.slice(stack.node.path.length + 1), resource] as const)
    .sort(([one], [other]) => one < other ? -1 : 1)
    .map(([path, resource]) => [path, { type: resource.cfnResourceType, id: stack.getLogicalId(resource) }]));
}

/** Resources whose replacement loses something, by the beginning of their type, with what a user loses. */
const STATEFUL: Readonly<Record<string, string>> = {
  'Custom::': 'the former resource is deleted after the new one was created, and the webhook in GitHub with it',
  'AWS::SecretsManager::Secret': 'the value is deleted: GitHub signs with the old one, so that deliveries are refused',
  'AWS::SQS::Queue': 'the messages in it are deleted',
  'AWS::Logs::LogGroup': 'the logs in it are deleted',
  'AWS::ApiGatewayV2::Api': 'its URL changes: webhooks that were added by hand deliver to nothing',
};

/**
 * Finds the changes of logical ids that would cost users something at their next deployment.
 *
 * @returns a line for each, with the reason; empty when there is none
 */
export function losses(before: LogicalIds, after: LogicalIds): string[] {
  return Object.entries(before).flatMap(([path, { type, id }]) => {
    const now = after[path];
    const loss = Object.entries(STATEFUL).find(([beginning]) => type.startsWith(beginning))?.[1];
    if (loss === undefined || (now?.id === id && now.type === type)) { return []; }
    const became = now === undefined ? 'is gone' : `became ${now.id} (${now.type})`;
    return [`${path}: ${id} (${type}) ${became}. CloudFormation replaces a resource whose logical id changes: ${loss}. `
      + 'Keep the path of its constructs.'];
  });
}
