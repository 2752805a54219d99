import { AwsError } from '../../../../../sandbox/aws/core/service';
import { md5OfAttributes } from '../../../../../sandbox/aws/services/sqs/message';
import { createSqs, Sqs, SqsOptions } from '../../../../../sandbox/aws/services/sqs/sqs';
import { TestContext } from '../../test-context';

let context: TestContext;
let sqs: Sqs;
let call: (operation: string, input?: object) => Promise<Record<string, unknown>>;

beforeEach(() => start());

afterEach(async () => {
  await sqs.close?.();
  context.close();
});

function start(options: SqsOptions = {}): void {
  context = new TestContext();
  sqs = createSqs(context, options);
  call = context.client(sqs.service);
}

function restart(options: SqsOptions): void {
  context.close();
  start(options);
}

async function queue(
  properties: Record<string, unknown> = {},
  logicalId = 'Queue',
): Promise<{ url: string; arn: string }> {
  const resource = await context.create(sqs, 'AWS::SQS::Queue', logicalId, properties);
  return { url: resource.physicalId, arn: resource.attributes.Arn };
}

interface Received {
  readonly MessageId: string;
  readonly ReceiptHandle: string;
  readonly Body: string;
  readonly Attributes?: Record<string, string>;
}

async function receive(QueueUrl: string, more: object = {}): Promise<Received[]> {
  const { Messages } = await call('ReceiveMessage', { QueueUrl, MaxNumberOfMessages: 10, ...more });
  return (Messages ?? []) as Received[];
}

async function errorOf(action: Promise<unknown>): Promise<AwsError> {
  const error: unknown = await action.then(() => undefined, (reason: unknown) => reason);
  if (!(error instanceof AwsError)) { throw new Error(`expected an AwsError, got ${String(error)}`); }
  return error;
}

describe('queues of a template', () => {
  test('a queue has the URL and ARN that AWS gives', async () => {
    const { url, arn } = await queue({ QueueName: 'jobs' });
    expect(url).toBe('https://sqs.eu-west-1.amazonaws.com/111122223333/jobs');
    expect(arn).toBe('arn:aws:sqs:eu-west-1:111122223333:jobs');
  });

  test('an unnamed queue is named after stack and logical id', async () => {
    expect((await queue()).arn).toMatch(/:Test-Queue-[A-Z0-9]{12}$/);
  });

  test('a queue policy becomes the resource policy', async () => {
    const { url, arn } = await queue();
    const document = { Statement: [] };
    await context.create(sqs, 'AWS::SQS::QueuePolicy', 'Policy', { PolicyDocument: document, Queues: [url] });
    expect(sqs.service.resourcePolicy?.(arn)).toEqual(document);
  });

  test.each([
    ['a property out of range', { VisibilityTimeout: 43_201 }, 'VisibilityTimeout must be between 0 and 43200'],
    ['a dead-letter queue that isn\'t there',
      { RedrivePolicy: { deadLetterTargetArn: 'arn:aws:sqs:eu-west-1:111122223333:none', maxReceiveCount: 3 } },
      'does not exist'],
    ['a FIFO queue', { FifoQueue: true }, 'unknown properties FifoQueue'],
    ['an unknown setting inside a property',
      { RedrivePolicy: { deadLetterTargetArn: 'x', maxReceiveCount: 3, other: 1 } },
      'RedrivePolicy.other is not known'],
  ])('fails for %s', async (_what, properties, message) => {
    await expect(queue(properties)).rejects.toThrow(message);
  });
});

describe('sending and receiving', () => {
  test('a message arrives with its body, checksum and system attributes', async () => {
    const { url } = await queue();
    await call('SendMessage', { QueueUrl: url, MessageBody: 'hello' });
    const [message] = await receive(url, { MessageSystemAttributeNames: ['All'] });
    expect(message).toMatchObject({
      Body: 'hello',
      MD5OfBody: '5d41402abc4b2a76b9719d911017c592',
      Attributes: { ApproximateReceiveCount: '1' },
    });
  });

  test('the host of a queue URL does not matter', async () => {
    await queue({ QueueName: 'jobs' });
    await call('SendMessage', { QueueUrl: 'http://127.0.0.1:4566/111122223333/jobs', MessageBody: 'hello' });
    expect(sqs.depth('arn:aws:sqs:eu-west-1:111122223333:jobs')).toBe(1);
  });

  test('a message is hidden while it is in flight and comes back after the visibility timeout', async () => {
    const { url, arn } = await queue({ VisibilityTimeout: 60 });
    await call('SendMessage', { QueueUrl: url, MessageBody: 'hello' });
    await receive(url);
    expect(await receive(url)).toEqual([]);
    expect([sqs.depth(arn), sqs.inFlight(arn), sqs.busy?.()]).toEqual([0, 1, true]);
    context.clock.advance(60_000);
    expect(await receive(url, { AttributeNames: ['ApproximateReceiveCount'] }))
      .toMatchObject([{ Attributes: { ApproximateReceiveCount: '2' } }]);
  });

  test('a delayed message comes when its delay is over', async () => {
    const { url } = await queue({ DelaySeconds: 30 });
    await call('SendMessage', { QueueUrl: url, MessageBody: 'later' });
    expect(await receive(url)).toEqual([]);
    context.clock.advance(30_000);
    expect(await receive(url)).toHaveLength(1);
  });

  test('long polling ends with the message that comes meanwhile', async () => {
    const { url } = await queue();
    const polled = receive(url, { WaitTimeSeconds: 20 });
    await call('SendMessage', { QueueUrl: url, MessageBody: 'now' });
    expect(await polled).toMatchObject([{ Body: 'now' }]);
  });

  test('long polling ends empty when its time is over', async () => {
    const { url } = await queue();
    const polled = receive(url, { WaitTimeSeconds: 20 });
    context.clock.advance(20_000);
    expect(await polled).toEqual([]);
  });

  test('a deleted message is gone, and deleting it again succeeds', async () => {
    const { url, arn } = await queue();
    await call('SendMessage', { QueueUrl: url, MessageBody: 'hello' });
    const [{ ReceiptHandle }] = await receive(url);
    await call('DeleteMessage', { QueueUrl: url, ReceiptHandle });
    await call('DeleteMessage', { QueueUrl: url, ReceiptHandle });
    expect(sqs.bodies(arn)).toEqual([]);
    expect(sqs.busy?.()).toBe(false);
  });

  test('an old receipt handle deletes nothing after the message was received again', async () => {
    const { url, arn } = await queue({ VisibilityTimeout: 1 });
    await call('SendMessage', { QueueUrl: url, MessageBody: 'hello' });
    const [{ ReceiptHandle }] = await receive(url);
    context.clock.advance(1_000);
    await receive(url);
    await call('DeleteMessage', { QueueUrl: url, ReceiptHandle });
    expect(sqs.bodies(arn)).toEqual(['hello']);
  });

  test('visibility 0 gives a message back at once', async () => {
    const { url } = await queue();
    await call('SendMessage', { QueueUrl: url, MessageBody: 'hello' });
    const [{ ReceiptHandle }] = await receive(url);
    await call('ChangeMessageVisibility', { QueueUrl: url, ReceiptHandle, VisibilityTimeout: 0 });
    expect(await receive(url)).toHaveLength(1);
  });

  test('messages older than the retention period are gone', async () => {
    const { url, arn } = await queue({ MessageRetentionPeriod: 60 });
    await call('SendMessage', { QueueUrl: url, MessageBody: 'old' });
    context.clock.advance(61_000);
    expect(sqs.depth(arn)).toBe(0);
  });

  test('the checksum of message attributes has the value that another implementation computes', () => {
    expect(md5OfAttributes({
      name: { DataType: 'String', StringValue: 'value' },
      data: { DataType: 'Binary', BinaryValue: 'AAE=' },
    }))
      .toBe('191139b7ec03f8a264692b3e4f9aa381');
  });
});

describe('at-least-once delivery', () => {
  test('delivers a message twice when told so', async () => {
    restart({ duplicateProbability: 1 });
    const { url } = await queue();
    await call('SendMessage', { QueueUrl: url, MessageBody: 'twice' });
    const received = await receive(url);
    expect(received.map(message => message.Body)).toEqual(['twice', 'twice']);
    expect(received[0].MessageId).toBe(received[1].MessageId);
  });

  test('delivers out of order when told so', async () => {
    restart({ shuffle: true });
    const { url } = await queue();
    for (let n = 0; n < 8; n++) { await call('SendMessage', { QueueUrl: url, MessageBody: String(n) }); }
    const bodies = (await receive(url)).map(message => message.Body);
    expect(bodies).not.toEqual([...bodies].sort());
    expect([...bodies].sort()).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
  });
});

describe('the limits of visibility', () => {
  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
  test('a message is hidden for 12 hours at most after its reception, however often that is extended', async () => {
    context.clock.freeze();
    const { url } = await queue();
    await call('SendMessage', { QueueUrl: url, MessageBody: 'x' });
    const [{ ReceiptHandle }] = await receive(url, { VisibilityTimeout: 43_200 });
    const change = (VisibilityTimeout: number): Promise<unknown> =>
      call('ChangeMessageVisibility', { QueueUrl: url, ReceiptHandle, VisibilityTimeout });
    context.clock.advance(3_600_000);
    await change(39_600);
    expect((await errorOf(change(39_601))).message).toContain('beyond the limit [43200 seconds]');
  });

  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
  test('fails to receive more than may be in flight, and answers nothing to long polling', async () => {
    restart({ inFlightLimit: 2 });
    const { url } = await queue();
    for (const MessageBody of ['a', 'b', 'c']) { await call('SendMessage', { QueueUrl: url, MessageBody }); }
    const [first, ...others] = await receive(url);
    expect(others).toHaveLength(1);
    expect((await errorOf(receive(url))).code).toBe('OverLimit');
    const waiting = receive(url, { WaitTimeSeconds: 20 });
    await call('DeleteMessage', { QueueUrl: url, ReceiptHandle: first.ReceiptHandle });
    expect(await waiting).toHaveLength(1);
  });

  test('a message tells when it was sent, when it was first received and how often', async () => {
    context.clock.freeze();
    const sent = Math.floor(context.clock.now());
    const { url } = await queue({ VisibilityTimeout: 60 });
    await call('SendMessage', { QueueUrl: url, MessageBody: 'x', DelaySeconds: 10 });
    context.clock.advance(10_000);
    await receive(url);
    context.clock.advance(60_000);
    const [{ Attributes }] = await receive(url, { MessageSystemAttributeNames: ['All'] });
    expect(Attributes).toMatchObject({
      SentTimestamp: String(sent),
      ApproximateFirstReceiveTimestamp: String(sent + 10_000),
      ApproximateReceiveCount: '2',
    });
  });

  test('entries of a batch have delays of their own', async () => {
    const { url } = await queue();
    const Entries = [{ Id: 'now', MessageBody: 'now' }, { Id: 'later', MessageBody: 'later', DelaySeconds: 900 }];
    await call('SendMessageBatch', { QueueUrl: url, Entries });
    expect((await receive(url)).map(({ Body }) => Body)).toEqual(['now']);
  });
});

describe('redrive', () => {
  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/setting-up-dead-letter-queue-retention.html
  test('keeps the time of sending: a dead letter expires with the age that it brings along', async () => {
    context.clock.freeze();
    const days = (count: number): number => count * 86_400;
    const dead = await queue({ MessageRetentionPeriod: days(4) }, 'Dead');
    const { url } = await queue({
      VisibilityTimeout: 1,
      MessageRetentionPeriod: days(14),
      RedrivePolicy: { deadLetterTargetArn: dead.arn, maxReceiveCount: 1 },
    });
    await call('SendMessage', { QueueUrl: url, MessageBody: 'poison' });
    context.clock.advance(days(1) * 1000);
    await receive(url);
    context.clock.advance(1_000);
    await receive(url);
    expect(sqs.bodies(dead.arn)).toEqual(['poison']);
    context.clock.advance(days(3) * 1000);
    expect(sqs.bodies(dead.arn)).toEqual([]);
  });

  test.each([[1000, true], [1001, false], [0, false]])(
    'maxReceiveCount %p is accepted: %p',
    async (maxReceiveCount, accepted) => {
      const dead = await queue({}, 'Dead');
      const made = queue({ RedrivePolicy: { deadLetterTargetArn: dead.arn, maxReceiveCount } })
        .then(() => true, () => false);
      expect(await made).toBe(accepted);
    },
  );

  test('moves a message to the dead-letter queue after maxReceiveCount receives', async () => {
    const dead = await queue({}, 'Dead');
    const { url, arn } = await queue({
      VisibilityTimeout: 1,
      RedrivePolicy: { deadLetterTargetArn: dead.arn, maxReceiveCount: 2 },
    });
    await call('SendMessage', { QueueUrl: url, MessageBody: 'poison' });
    for (const expected of [1, 1, 0]) {
      expect(await receive(url)).toHaveLength(expected);
      context.clock.advance(1_000);
    }
    expect([sqs.bodies(arn), sqs.bodies(dead.arn)]).toEqual([[], ['poison']]);
    expect(await receive(dead.url, { AttributeNames: ['DeadLetterQueueSourceArn'] }))
      .toMatchObject([{ Attributes: { DeadLetterQueueSourceArn: arn } }]);
  });

  test('messages in a dead-letter queue keep nobody busy', async () => {
    const dead = await queue({}, 'Dead');
    await queue({ RedrivePolicy: { deadLetterTargetArn: dead.arn, maxReceiveCount: 1 } });
    await call('SendMessage', { QueueUrl: dead.url, MessageBody: 'lost' });
    expect(sqs.busy?.()).toBe(false);
  });

  test('fails for a source that the dead-letter queue doesn\'t allow', async () => {
    const dead = await queue({ RedriveAllowPolicy: { redrivePermission: 'denyAll' } }, 'Dead');
    await expect(queue({ RedrivePolicy: { deadLetterTargetArn: dead.arn, maxReceiveCount: 1 } }))
      .rejects.toThrow('does not allow');
  });
});

describe('batches', () => {
  const entry = (Id: string, MessageBody = Id): object => ({ Id, MessageBody });

  test('every entry succeeds or fails for itself', async () => {
    const { url, arn } = await queue({ MaximumMessageSize: 1024 });
    const answer = await call(
      'SendMessageBatch',
      { QueueUrl: url, Entries: [entry('a'), entry('b', 'x'.repeat(1025)), entry('c', '\u0001')] },
    );
    expect(answer).toMatchObject({
      Successful: [{ Id: 'a' }],
      Failed: [
        { Id: 'b', SenderFault: true, Code: 'InvalidParameterValue' },
        { Id: 'c', SenderFault: true, Code: 'InvalidMessageContents' },
      ],
    });
    expect(sqs.bodies(arn)).toEqual(['a']);
  });

  test('an entry can fail inside the service', async () => {
    restart({ failsEntry: (_queue, body) => body === 'b' });
    const { url } = await queue();
    expect(await call('SendMessageBatch', { QueueUrl: url, Entries: [entry('a'), entry('b')] }))
      .toMatchObject({ Successful: [{ Id: 'a' }], Failed: [{ Id: 'b', SenderFault: false, Code: 'InternalError' }] });
  });

  test('deletes in batches', async () => {
    const { url, arn } = await queue();
    await call('SendMessageBatch', { QueueUrl: url, Entries: [entry('a'), entry('b')] });
    const Entries = (await receive(url)).map(({ ReceiptHandle }, at) => ({ Id: String(at), ReceiptHandle }));
    expect(await call(
      'DeleteMessageBatch',
      { QueueUrl: url, Entries: [...Entries, { Id: 'bad', ReceiptHandle: 'nonsense' }] },
    ))
      .toMatchObject({
        Successful: [{ Id: '0' }, { Id: '1' }],
        Failed: [{ Id: 'bad', Code: 'ReceiptHandleIsInvalid' }],
      });
    expect(sqs.bodies(arn)).toEqual([]);
  });

  test.each([
    ['no entry', [], 'EmptyBatchRequest'],
    ['eleven entries', Array.from({ length: 11 }, (_, n) => entry(String(n))), 'TooManyEntriesInBatchRequest'],
    ['repeated ids', [entry('a'), entry('a')], 'BatchEntryIdsNotDistinct'],
    ['an id with other characters', [entry('a b')], 'InvalidBatchEntryId'],
    ['more than 1 MiB', [entry('a', 'x'.repeat(600_000)), entry('b', 'x'.repeat(600_000))], 'BatchRequestTooLong'],
  ])('fails for %s', async (_what, Entries, code) => {
    const { url } = await queue();
    expect((await errorOf(call('SendMessageBatch', { QueueUrl: url, Entries }))).code).toBe(code);
  });
});

describe('errors and permissions', () => {
  test.each([
    ['a queue that isn\'t there', 'SendMessage', { QueueUrl: 'https://sqs.eu-west-1.amazonaws.com/111122223333/none', MessageBody: 'x' }, 'QueueDoesNotExist'],
    ['a missing parameter', 'SendMessage', { MessageBody: 'x' }, 'MissingParameter'],
    ['too many messages', 'ReceiveMessage', { MaxNumberOfMessages: 11 }, 'InvalidParameterValue'],
    ['a receipt handle that SQS never gave', 'DeleteMessage', { ReceiptHandle: 'x' }, 'ReceiptHandleIsInvalid'],
    ['an unknown attribute', 'GetQueueAttributes', { AttributeNames: ['Colour'] }, 'InvalidAttributeName'],
    ['a member that the stand-in would ignore', 'ReceiveMessage', { ReceiveRequestAttemptId: 'x' },
      'InvalidParameterValue'],
  ])('fails for %s', async (_what, operation, input, code) => {
    const { url } = await queue();
    const complete = operation === 'SendMessage' ? input : { QueueUrl: url, ...input };
    expect((await errorOf(call(operation, complete))).code).toBe(code);
  });

  test('fails to change the visibility of a message that is no longer in flight', async () => {
    const { url } = await queue({ VisibilityTimeout: 1 });
    await call('SendMessage', { QueueUrl: url, MessageBody: 'x' });
    const [{ ReceiptHandle }] = await receive(url);
    context.clock.advance(1_000);
    expect(
      (await errorOf(call('ChangeMessageVisibility', { QueueUrl: url, ReceiptHandle, VisibilityTimeout: 5 }))).message,
    ).toContain('not available for visibility timeout change');
  });

  test('a batch needs the permission of a single message', async () => {
    const { url, arn } = await queue();
    await call('SendMessageBatch', { QueueUrl: url, Entries: [{ Id: 'a', MessageBody: 'x' }] });
    expect(context.checked).toEqual([`sqs:SendMessage ${arn}`]);
  });

  test('a customer\'s key needs permissions of its own', async () => {
    const key = 'arn:aws:kms:eu-west-1:111122223333:key/0';
    const { url, arn } = await queue({ KmsMasterKeyId: key });
    await call('SendMessage', { QueueUrl: url, MessageBody: 'x' });
    expect(context.checked).toEqual([`sqs:SendMessage ${arn}`, `kms:GenerateDataKey ${key}`, `kms:Decrypt ${key}`]);
  });

  test('attributes show the queue\'s settings and counts', async () => {
    const { url } = await queue({ QueueName: 'jobs', KmsMasterKeyId: 'alias/aws/sqs' });
    await call('SendMessage', { QueueUrl: url, MessageBody: 'x' });
    expect(await call('GetQueueAttributes', { QueueUrl: url, AttributeNames: ['All'] })).toMatchObject({
      Attributes: {
        QueueArn: 'arn:aws:sqs:eu-west-1:111122223333:jobs',
        ApproximateNumberOfMessages: '1',
        KmsMasterKeyId: 'alias/aws/sqs',
        VisibilityTimeout: '30',
      },
    });
    expect(await call('GetQueueUrl', { QueueName: 'jobs' })).toEqual({ QueueUrl: url });
  });

  test('purging empties a queue, once a minute', async () => {
    const { url, arn } = await queue();
    await call('SendMessage', { QueueUrl: url, MessageBody: 'x' });
    await call('PurgeQueue', { QueueUrl: url });
    expect(sqs.bodies(arn)).toEqual([]);
    expect((await errorOf(call('PurgeQueue', { QueueUrl: url }))).code).toBe('PurgeQueueInProgress');
  });
});
