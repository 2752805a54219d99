import { Duration, Stack } from 'aws-cdk-lib';
import { Code, Function, Runtime } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { LocalCloud } from '../../../../../sandbox/aws/cloud';
import { chainLength, traceHeader } from '../../../../../sandbox/aws/services/lambda/lineage';
import { Workspace } from '../../testing';

const trace = (cause: string | undefined, name = 'loop'): string => traceHeader(cause, name, 0, () => 0.5);

describe('a chain of invocations', () => {
  test('is counted for each function, and keeps its root', () => {
    const first = trace('Root=1-abc-def;Parent=0;Sampled=1');
    const third = trace(trace(first, 'other'));
    expect([chainLength(first, 'loop'), chainLength(third, 'loop'), chainLength(third, 'other')]).toEqual([1, 2, 1]);
    expect(third).toMatch(/^Root=1-abc-def;/);
  });

  test.each([undefined, '', 'Root=1-abc-def', 'Lineage=', 'Lineage=nonsense'])('begins with %p', header => {
    expect(chainLength(header, 'loop')).toBe(0);
    expect(chainLength(trace(header), 'loop')).toBe(1);
  });
});

// Sends each message to its own queue again, and says how often it ran.
const LOOP = `
const { SQSClient, SendMessageCommand } = require('@aws-sdk/client-sqs');
const client = new SQSClient({});
exports.handler = async event => {
  for (const { body } of event.Records) {
    console.log('run ' + body);
    if (body.startsWith('loop')) {
      await client.send(new SendMessageCommand({ QueueUrl: process.env.QUEUE_URL, MessageBody: body }));
    }
  }
};
`;

// https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
describe('a function that sends to its own queue', () => {
  const workspace = new Workspace();
  let cloud: LocalCloud;
  let outputs: { url: string; dead: string; log: string };

  function define(stack: Stack): void {
    const dead = new Queue(stack, 'Dead');
    const queue = new Queue(stack, 'Queue', {
      deadLetterQueue: { queue: dead, maxReceiveCount: 3 },
      visibilityTimeout: Duration.minutes(1),
    });
    const loop = new Function(stack, 'Loop', {
      runtime: Runtime.NODEJS_24_X,
      handler: 'index.handler',
      code: Code.fromAsset(workspace.code('loop', { 'index.js': LOOP })),
      environment: { QUEUE_URL: queue.queueUrl },
      timeout: Duration.seconds(30),
    });
    queue.grantSendMessages(loop);
    loop.addEventSource(new SqsEventSource(queue));
  }

  beforeAll(async () => {
    cloud = await LocalCloud.start();
    const stack = await cloud.deploy({ assembly: workspace.synth(define) });
    const [dead, queue] = ['Dead', 'Queue'].map(id =>
      stack.byType('AWS::SQS::Queue').find(({ logicalId }) => logicalId.startsWith(id)),
    );
    const name = stack.byType('AWS::Lambda::Function')[0].physicalId;
    outputs = { url: queue?.physicalId ?? '', dead: dead?.attributes.Arn ?? '', log: `/aws/lambda/${name}` };
  }, 60_000);
  afterAll(async () => {
    await cloud.close();
    workspace.remove();
  });

  const runs = (body: string): number =>
    cloud.logs(outputs.log).filter(({ message }) => message.includes(`run ${body}`)).length;
  const send = (MessageBody: string): Promise<unknown> =>
    cloud.call('sqs', 'SendMessage', { QueueUrl: outputs.url, MessageBody });

  test('is stopped after 16 invocations, and its message goes to the dead-letter queue', async () => {
    await send('loop');
    await cloud.idle();
    expect([runs('loop'), cloud.services.sqs.bodies(outputs.dead)]).toEqual([16, ['loop']]);
  });

  test('messages of others are no part of the loop', async () => {
    for (let n = 0; n < 20; n++) {
      await send(`once-${n}`);
    }
    await cloud.idle();
    expect(runs('once')).toBe(20);
  });
});
