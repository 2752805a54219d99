import { CodeBuildClient } from '@aws-sdk/client-codebuild';
import { SQSClient } from '@aws-sdk/client-sqs';
import { startBuild } from '../../../lambda/dispatch/codebuild';
import { retrySoon, sendAll } from '../../../lambda/dispatch/queue';
import type { PackageMessage } from '../../../src/contract/messages';
import { AwsFailure, AwsStandIn, Operations, startAws } from '../shared/aws-stand-in';

const QUEUE = 'https://sqs.eu-central-1.amazonaws.com/111122223333/mirror';

let aws: AwsStandIn;
afterEach(() => aws.close());

async function start(operations: Operations): Promise<void> {
  aws = await startAws(operations);
}

function messages(count: number): PackageMessage[] {
  return Array.from({ length: count }, (_, n) => ({ kind: 'package', package: `app-${n}` }));
}

interface Entry { readonly Id: string; readonly MessageBody: string }

function entries(): Entry[][] {
  return aws.calls.map(({ input }) => input.Entries as Entry[]);
}

describe('sendAll', () => {
  const accept: Operations = { SendMessageBatch: () => ({ Successful: [], Failed: [] }) };

  test.each([[0, []], [1, [1]], [10, [10]], [11, [10, 1]], [25, [10, 10, 5]]])('sends %i messages in batches of %j', async (count, sizes) => {
    await start(accept);
    await sendAll(new SQSClient({ ...aws.client, md5: false }), QUEUE, messages(count));
    expect(entries().map(batch => batch.length)).toEqual(sizes);
    expect(entries().flat().map(({ MessageBody }) => JSON.parse(MessageBody) as unknown)).toEqual(messages(count));
    entries().forEach(batch => expect(new Set(batch.map(({ Id }) => Id)).size).toBe(batch.length));
  });

  test('fails when the queue refuses some of a batch', async () => {
    await start({ SendMessageBatch: () => ({ Successful: [], Failed: [{ Id: '1', Code: 'InternalError', Message: 'try later', SenderFault: false }] }) });
    await expect(sendAll(new SQSClient({ ...aws.client, md5: false }), QUEUE, messages(3))).rejects.toThrow('The queue refused 1 of 3 messages: InternalError try later');
  });

  test('fails when the queue refuses all', async () => {
    await start({ SendMessageBatch: () => { throw new AwsFailure('AccessDeniedException', 'not you', 403); } });
    await expect(sendAll(new SQSClient({ ...aws.client, md5: false }), QUEUE, messages(1))).rejects.toThrow('not you');
  });
});

describe('retrySoon', () => {
  test('hides the message for its delay', async () => {
    await start({ ChangeMessageVisibility: () => ({}) });
    await retrySoon(new SQSClient(aws.client), QUEUE, 'handle', 3);
    expect(aws.calls).toEqual([{ operation: 'ChangeMessageVisibility', input: { QueueUrl: QUEUE, ReceiptHandle: 'handle', VisibilityTimeout: 40 } }]);
  });
});

describe('startBuild', () => {
  const request = { packages: ['app'], variable: '["app"]', idempotencyToken: 'abc' };

  test('asks for the packages, with the token', async () => {
    await start({ StartBuild: () => ({ build: { id: 'mirror:1' } }) });
    expect(await startBuild(new CodeBuildClient(aws.client), 'mirror', request)).toEqual({ id: 'mirror:1' });
    expect(aws.calls[0].input).toEqual({
      projectName: 'mirror', idempotencyToken: 'abc', environmentVariablesOverride: [{ name: 'PACKAGES', value: '["app"]', type: 'PLAINTEXT' }],
    });
  });

  test('starts another build when the one with this token has ended', async () => {
    const builds = [{ id: 'mirror:1', buildComplete: true }, { id: 'mirror:2', buildComplete: true }, { id: 'mirror:3', buildComplete: false }];
    await start({ StartBuild: () => ({ build: builds.shift() }) });
    expect(await startBuild(new CodeBuildClient(aws.client), 'mirror', request)).toEqual({ id: 'mirror:3' });
    const tokens = aws.calls.map(({ input }) => input.idempotencyToken);
    expect(tokens).toEqual(['abc', expect.stringMatching(/^[0-9a-f]{64}$/), expect.stringMatching(/^[0-9a-f]{64}$/)]);
    expect(new Set(tokens).size).toBe(3);
  });

  test('fails at the quota with the quota to raise', async () => {
    await start({ StartBuild: () => { throw new AwsFailure('AccountLimitExceededException', 'Cannot have more than 0 builds in queue for the account'); } });
    await expect(startBuild(new CodeBuildClient(aws.client), 'mirror', request)).rejects.toThrow(
      /quota of concurrently running builds .*Service Quotas > AWS CodeBuild.*Cannot have more than 0 builds/);
  });

  test('fails with what CodeBuild says otherwise', async () => {
    await start({ StartBuild: () => { throw new AwsFailure('ResourceNotFoundException', 'Project cannot be found'); } });
    await expect(startBuild(new CodeBuildClient(aws.client), 'mirror', request)).rejects.toThrow('Project cannot be found');
  });
});
