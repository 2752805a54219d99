import { CfnParameter } from 'aws-cdk-lib';
import { newMirror, newStack, secret, synth } from './synth';
import type { GhcrMirror } from '../../src';

/** Acknowledged rules with their reasons, by the construct below the mirror. */
function acknowledged(mirror: GhcrMirror): Record<string, Record<string, string>> {
  const entries = mirror.node.findAll().flatMap(({ node }) => node.metadata
    .filter(({ type }) => type === 'aws:cdk:acknowledged-rules')
    .flatMap(({ data }) => Object.entries(data as Record<string, string>)
      .map(([id, reason]) => ({ path: node.path.slice(mirror.node.path.length + 1), id, reason }))));
  return Object.fromEntries([...new Set(entries.map(({ path }) => path))].map(at => [
    at, Object.fromEntries(entries.filter(({ path }) => path === at).map(({ id, reason }) => [id, reason])),
  ]));
}

const hooks = (stack: ReturnType<typeof newStack>) => ({ webhookToken: secret(stack, 'Hooks', 'github/hooks') });

test('acknowledges findings at the construct that has them, each with a reason', () => {
  const all = acknowledged(newMirror(newStack(), hooks));
  expect(Object.keys(all)).toEqual(
    expect.arrayContaining(['', 'Webhook/Api', 'Dispatch/Mapping', 'Queues/DeadLetterQueue', 'Registration/Provider']),
  );
  expect(all['Webhook/Api']).toEqual({ 'Annotation::AwsSolutions-APIG4': expect.stringMatching(/verifies the signature/) as string });
  const reasons = Object.values(all).flatMap(rules => Object.values(rules));
  expect(reasons.filter(reason => reason.length < 30 || !reason.endsWith('.'))).toEqual([]);
});

test.each<[string, Parameters<typeof newStack>[0], string]>([
  ['of a stack without an environment', undefined, '<AWS::Region>:<AWS::AccountId>'],
  ['of a stack with one', { region: 'eu-central-1', account: '123456789012' }, 'eu-central-1:123456789012'],
])('names the wildcard in the policies %s as cdk-nag does', (_, env, place) => {
  const id = `Annotation::AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ecr:${place}:repository/my-org/*]`;
  const all = acknowledged(newMirror(newStack(env)));
  expect(Object.keys(all.Dispatch ?? {})).toEqual([id]);
  expect(Object.keys(all.Sync ?? {})).toContain(id);
});

test('names a prefix that is not known at synthesis as cdk-nag does', () => {
  const stack = newStack();
  const repositoryPrefix = new CfnParameter(stack, 'Prefix').valueAsString;
  expect(Object.keys(acknowledged(newMirror(stack, { repositoryPrefix })).Dispatch ?? {})[0])
    .toContain(':repository/<Prefix>/*]');
});

test('names the versions of the registration function by its logical id', () => {
  const mirror = newMirror(newStack(), hooks);
  expect(Object.keys(acknowledged(mirror)['Registration/RepairRole'] ?? {})).toEqual([
    expect.stringMatching(/^Annotation::AwsSolutions-IAM5\[Resource::<MirrorRegistrationFunction[0-9A-F]{8}\.Arn>:\*\]$/),
  ]);
});

test('leaves findings that a prop mends to the user: no key, no alarm action, no rotation, no VPC', () => {
  const ids = Object.values(acknowledged(newMirror(newStack(), hooks))).flatMap(rules => Object.keys(rules));
  expect(ids.filter(id => /KMS|Encrypt|CB4|AlarmAction|SMG4|Rotation|VPC/.test(id))).toEqual([]);
});

test('leaves the wildcard over all repositories to the user, who can give a prefix', () => {
  const ids = Object.values(acknowledged(newMirror(newStack(), { repositoryPrefix: '' })))
    .flatMap(rules => Object.keys(rules));
  expect(ids.filter(id => id.includes(':repository/'))).toEqual([]);
});

test('adds nothing to the template', () => {
  const { template } = synth(hooks);
  expect(JSON.stringify(template.toJSON())).not.toMatch(/acknowledged-rules|cdk_nag|AwsSolutions/);
});
