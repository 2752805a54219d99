import { CfnResource, Duration, Stack } from 'aws-cdk-lib';
import { Schedule, ScheduleExpression, ScheduleTargetInput } from 'aws-cdk-lib/aws-scheduler';
import { SqsSendMessage } from 'aws-cdk-lib/aws-scheduler-targets';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { LocalCloud } from '../../../../../sandbox/aws/cloud';
import { Workspace } from '../../testing';

describe('a schedule', () => {
  const workspace = new Workspace();
  let cloud: LocalCloud;
  beforeEach(async () => { cloud = await LocalCloud.start(); });
  afterEach(async () => cloud.close());
  afterAll(() => workspace.remove());
  const define = (stack: Stack): Schedule => new Schedule(stack, 'Daily', {
    schedule: ScheduleExpression.rate(Duration.days(1)),
    target: new SqsSendMessage(
      new Queue(stack, 'Queue'),
      { input: ScheduleTargetInput.fromObject({ kind: 'organization' }), deadLetterQueue: new Queue(stack, 'Dead') },
    ),
  });
  const change = (stack: Stack, type: string, path: string, value: unknown): void => {
    define(stack);
    const resources = stack.node.findAll().filter(child => child instanceof CfnResource);
    resources.filter(resource => resource.cfnResourceType === type)
      .forEach(resource => resource.addPropertyOverride(path, value));
  };
  const bodies = (queue: string): string[] => cloud.services.sqs.queues.all()
    .filter(found => found.name.startsWith(`Test-${queue}`))
    .flatMap(found => found.bodies());
  test('sends its input to its queue as its role', async () => {
    await cloud.deploy({ assembly: workspace.synth(define) });
    await cloud.services.scheduler.fire(cloud.services.scheduler.names[0] ?? '');
    expect(bodies('Queue')).toEqual(['{"kind":"organization"}']);
  });
  test('sends what it could not deliver to its dead-letter queue', async () => {
    await cloud.deploy({ assembly: workspace.synth(define) });
    const { queues } = cloud.services.sqs;
    queues.all().filter(found => found.name.startsWith('Test-Queue')).forEach(found => queues.remove(found));
    await cloud.services.scheduler.fire(cloud.services.scheduler.names[0] ?? '');
    expect(bodies('Dead')).toEqual(['{"kind":"organization"}']);
  });
  test.each<[string, string, unknown]>([
    ['for another account', 'AssumeRolePolicyDocument.Statement.0.Condition.StringEquals.aws:SourceAccount',
      '999999999999'],
    ['for another service', 'AssumeRolePolicyDocument.Statement.0.Principal.Service', 'lambda.amazonaws.com'],
  ])('fails to deploy with a role %s', async (_, path, value) => {
    await expect(cloud.deploy({ assembly: workspace.synth(stack => change(stack, 'AWS::IAM::Role', path, value)) }))
      .rejects.toThrow('must allow AWS EventBridge Scheduler to assume the role');
  });
  test.each<[string, string, unknown, string]>([
    ['an expression', 'ScheduleExpression', 'rate(1 days)', 'Invalid Schedule Expression rate(1 days)'],
    ['a flexible window', 'FlexibleTimeWindow.Mode', 'FLEXIBLE', 'FlexibleTimeWindow FLEXIBLE isn\'t modelled'],
    ['a target', 'Target.Arn', 'arn:aws:sns:eu-west-1:111122223333:topic',
      'isn\'t modelled (queues and functions are)'],
  ])('rejects %s that it doesn\'t know', async (_, path, value, message) => {
    await expect(
      cloud.deploy({ assembly: workspace.synth(stack => change(stack, 'AWS::Scheduler::Schedule', path, value)) }),
    ).rejects.toThrow(message);
  });
});
