import { CodeBuildClient } from '@aws-sdk/client-codebuild';
import { SQSClient } from '@aws-sdk/client-sqs';
import { listBuilds, startBuild } from '../../../lambda/dispatch/codebuild';
import { KnownBuilds } from '../../../lambda/dispatch/known-builds';
import { backlog, DelayedMessage, hideAll, sendAll } from '../../../lambda/dispatch/queue';
import { AwsFailure, AwsStandIn, Operations, startAws } from '../shared/aws-stand-in';

const QUEUE = 'https://sqs.eu-central-1.amazonaws.com/111122223333/mirror';

let aws: AwsStandIn;
afterEach(() => aws.close());

async function start(operations: Operations): Promise<void> {
  aws = await startAws(operations);
}

function messages(count: number): DelayedMessage[] {
  return Array.from({ length: count }, (_, n) => ({ message: { kind: 'package', package: `app-${n}` }, delay: n }));
}

interface Entry { readonly Id: string; readonly MessageBody: string; readonly DelaySeconds: number }

function entries(): Entry[][] {
  return aws.calls.map(({ input }) => input.Entries as Entry[]);
}

describe('sendAll', () => {
  const accept: Operations = { SendMessageBatch: () => ({ Successful: [], Failed: [] }) };

  test.each([[0, []], [1, [1]], [10, [10]], [11, [10, 1]], [25, [10, 10, 5]]])(
    'sends %i messages in batches of %j',
    async (count, sizes) => {
      await start(accept);
      await sendAll(new SQSClient({ ...aws.client, md5: false }), QUEUE, messages(count));
      expect(entries().map(batch => batch.length)).toEqual(sizes);
      expect(entries().flat().map(({
        MessageBody,
        DelaySeconds,
      }) => ({ message: JSON.parse(MessageBody) as unknown, delay: DelaySeconds }))).toEqual(messages(count));
      entries().forEach(batch => expect(new Set(batch.map(({ Id }) => Id)).size).toBe(batch.length));
    },
  );

  test('fails when the queue refuses some of a batch', async () => {
    await start({
      SendMessageBatch: () => ({
        Successful: [],
        Failed: [{ Id: '1', Code: 'InternalError', Message: 'try later', SenderFault: false }],
      }),
    });
    await expect(sendAll(new SQSClient({ ...aws.client, md5: false }), QUEUE, messages(3)))
      .rejects.toThrow('The queue refused 1 of 3 messages: InternalError try later');
  });

  test('fails when the queue refuses all', async () => {
    await start({ SendMessageBatch: () => { throw new AwsFailure('AccessDeniedException', 'not you', 403); } });
    await expect(sendAll(new SQSClient({ ...aws.client, md5: false }), QUEUE, messages(1))).rejects.toThrow('not you');
  });
});

describe('hideAll', () => {
  const hidden = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ receiptHandle: `handle-${n}`, seconds: n }));

  test('hides each message for its pause', async () => {
    await start({ ChangeMessageVisibilityBatch: () => ({ Successful: [], Failed: [] }) });
    await hideAll(new SQSClient(aws.client), QUEUE, hidden(11));
    expect(aws.calls.map(({ input }) => (input.Entries as object[]).length)).toEqual([10, 1]);
    expect(aws.calls[1].input.Entries).toEqual([{ Id: '0', ReceiptHandle: 'handle-10', VisibilityTimeout: 10 }]);
  });

  test('fails when the queue refuses some', async () => {
    await start({
      ChangeMessageVisibilityBatch: () => ({
        Failed: [{ Id: '0', Code: 'ReceiptHandleIsInvalid', SenderFault: true }],
      }),
    });
    await expect(hideAll(new SQSClient(aws.client), QUEUE, hidden(2)))
      .rejects.toThrow('The queue refused 1 of 2 pauses: ReceiptHandleIsInvalid');
  });
});

test('the backlog counts what is visible, hidden and delayed', async () => {
  await start({
    GetQueueAttributes: () => ({
      Attributes: {
        ApproximateNumberOfMessages: '3',
        ApproximateNumberOfMessagesNotVisible: '40',
        ApproximateNumberOfMessagesDelayed: '500',
      },
    }),
  });
  expect(await backlog(new SQSClient(aws.client), QUEUE)).toBe(543);
});

describe('startBuild', () => {
  const request = { packages: ['app'], variable: '["app"]', purpose: 'push' as const, idempotencyToken: 'abc' };
  const none = new KnownBuilds([]);

  test('asks for the packages, with the token', async () => {
    await start({ StartBuild: () => ({ build: { id: 'mirror:1' } }) });
    expect(await startBuild(new CodeBuildClient(aws.client), 'mirror', request, none)).toEqual({ id: 'mirror:1' });
    expect(aws.calls[0].input).toEqual({
      projectName: 'mirror',
      idempotencyToken: 'abc',
      environmentVariablesOverride: [
        { name: 'PACKAGES', value: '["app"]', type: 'PLAINTEXT' },
        { name: 'PURPOSE', value: 'push', type: 'PLAINTEXT' },
      ],
    });
  });

  test('starts another build when the one with this token has ended', async () => {
    const builds = [
      { id: 'mirror:1', buildComplete: true },
      { id: 'mirror:2', buildComplete: true },
      { id: 'mirror:3', buildComplete: false },
    ];
    await start({ StartBuild: () => ({ build: builds.shift() }) });
    expect(await startBuild(new CodeBuildClient(aws.client), 'mirror', request, none)).toEqual({ id: 'mirror:3' });
    const tokens = aws.calls.map(({ input }) => input.idempotencyToken);
    expect(tokens).toEqual(['abc', expect.stringMatching(/^[0-9a-f]{64}$/), expect.stringMatching(/^[0-9a-f]{64}$/)]);
    expect(new Set(tokens).size).toBe(3);
  });

  test('starts another build when the one with this token is old, whatever its state is said to be', async () => {
    const builds = [{ id: 'mirror:1', buildComplete: false }, { id: 'mirror:2', buildComplete: false }];
    await start({ StartBuild: () => ({ build: builds.shift() }) });
    const known = new KnownBuilds([{ id: 'mirror:1', startedAt: 0, succeeded: false, purpose: 'push' }]);
    expect(await startBuild(new CodeBuildClient(aws.client), 'mirror', request, known)).toEqual({ id: 'mirror:2' });
  });

  test('fails when CodeBuild has nothing but old builds', async () => {
    await start({ StartBuild: () => ({ build: { id: 'mirror:1', buildComplete: true } }) });
    await expect(startBuild(new CodeBuildClient(aws.client), 'mirror', request, none))
      .rejects.toThrow('20 new idempotency tokens with old builds');
  });

  test('fails at the quota with the quota to raise', async () => {
    await start({
      StartBuild: () => {
        throw new AwsFailure(
          'AccountLimitExceededException',
          'Cannot have more than 0 builds in queue for the account',
        );
      },
    });
    await expect(startBuild(new CodeBuildClient(aws.client), 'mirror', request, none)).rejects.toThrow(
      /quota of concurrently running builds .*Service Quotas > AWS CodeBuild.*Cannot have more than 0 builds/);
  });

  test('fails with what CodeBuild says otherwise', async () => {
    await start({
      StartBuild: () => { throw new AwsFailure('ResourceNotFoundException', 'Project cannot be found'); },
    });
    await expect(startBuild(new CodeBuildClient(aws.client), 'mirror', request, none))
      .rejects.toThrow('Project cannot be found');
  });
});

describe('listBuilds', () => {
  const variables = (...pairs: [string, string][]) => ({
    environmentVariables: pairs.map(([name, value]) => ({ name, value, type: 'PLAINTEXT' })),
  });
  const list = async (...builds: object[]): Promise<KnownBuilds> => {
    await start({
      ListBuildsForProject: () => ({ ids: builds.map((_, at) => `mirror:${at}`) }),
      // In whatever order.
      BatchGetBuilds: () => ({
        builds: builds.map((build, at) => ({ id: `mirror:${at}`, startTime: 1_000, ...build })).reverse(),
      }),
    });
    return listBuilds(new CodeBuildClient(aws.client), 'mirror');
  };

  test('of a project without builds asks for none', async () => {
    expect((await list()).has('mirror:0')).toBe(false);
    expect(aws.calls.map(({ operation }) => operation)).toEqual(['ListBuildsForProject']);
  });

  test('asks for the newest, a hundred at most', async () => {
    await list(...Array.from({ length: 101 }, () => ({})));
    expect(aws.calls[0].input).toEqual({ projectName: 'mirror', sortOrder: 'DESCENDING' });
    expect((aws.calls[1].input.ids as string[]).length).toBe(100);
  });

  test.each<[string, object, boolean]>([
    ['that waits', { buildComplete: false, phases: [{ phaseType: 'QUEUED', startTime: 1_000 }] }, true],
    ['that planned before', { buildComplete: false, phases: [{ phaseType: 'BUILD', startTime: 1_010 }] }, false],
    ['that planned after', { buildComplete: false, phases: [{ phaseType: 'BUILD', startTime: 1_021 }] }, true],
    ['that has ended', { buildComplete: true, endTime: 1_015, phases: [] }, false],
    ['of other packages', { buildComplete: false, environment: variables(['PACKAGES', '["other"]']) }, false],
    ['of this package, among others', { buildComplete: false, environment: variables(['PACKAGES', '["other","app"]']) },
      true],
    ['of all packages', { buildComplete: false, environment: variables(['PACKAGES', ' ']) }, true],
    ['with a variable that its program refuses', { buildComplete: false, environment: variables(['PACKAGES', 'app']) },
      false],
  ])('a build %s covers a package or not', async (_, build, covers) => {
    expect((await list(build)).covers('app', 1_020_000)).toBe(covers);
  });

  test('counts the builds of reconciles, and those of all packages that a person started', async () => {
    const builds = await list(
      { environment: variables(['PACKAGES', '["a"]'], ['PURPOSE', 'reconcile']) },
      { environment: variables(['PACKAGES', '["a"]'], ['PURPOSE', 'push']) },
      {},
      { buildComplete: true, environment: variables(['PURPOSE', 'reconcile']) },
    );
    expect(builds.reconciles).toBe(2);
  });

  test('knows how the builds of a package ended, newest first', async () => {
    const ended = (buildStatus: string) => ({ buildComplete: true, buildStatus, endTime: 1_100 });
    expect(
      (await list(ended('FAILED'), ended('TIMED_OUT'), ended('SUCCEEDED'), ended('FAILED'), {})).attempts('app', 0),
    ).toEqual({
      succeeded: 1, failed: 2, lastEnd: 1_100_000,
    });
  });
});
