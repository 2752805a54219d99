import { MAXIMUM_BYTES, md5, md5OfAttributes, parseMessage, received, sizeOf } from './message';
import type { NewMessage, Queue, QueueBehaviour } from './queue';
import { queuePolicyProvider, queueProvider } from './resources';
import { fieldsOf, QueueTable } from './table';
import type { Fields } from '../../core/fields';
import { isRecord } from '../../core/json';
import { epochSeconds } from '../../core/naming';
import { AwsError, AwsService, CloudContext, Input, Operation, Principal, ServiceModule } from '../../core/service';

export interface SqsOptions extends Partial<QueueBehaviour> {
  /** Refuses an entry of a batch as SQS does when it fails inside: `SenderFault: false`. */
  readonly failsEntry?: (queueName: string, body: string) => boolean;
}

export interface Sqs extends ServiceModule {
  readonly service: AwsService;
  readonly queues: QueueTable;
  /** ApproximateNumberOfMessagesVisible, for alarms. */
  depth(queueArn: string): number;
  inFlight(queueArn: string): number;
  /** Bodies of everything in the queue. */
  bodies(queueArn: string): string[];
}

/** Errors whose code has another name in the query protocol: the service model's `awsQueryError` traits. */
const QUERY_NAMES = new Map([
  ['QueueDoesNotExist', 'NonExistentQueue'],
  ...[
    'BatchEntryIdsNotDistinct',
    'BatchRequestTooLong',
    'EmptyBatchRequest',
    'InvalidBatchEntryId',
    'PurgeQueueInProgress',
    'TooManyEntriesInBatchRequest',
  ]
    .map((code): [string, string] => [code, code]),
]);

/** Amazon SQS standard queues: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/ */
export function createSqs(context: CloudContext, options: SqsOptions = {}): Sqs {
  const queues = new QueueTable(context, {
    duplicateProbability: options.duplicateProbability ?? 0,
    shuffle: options.shuffle ?? false,
    inFlightLimit: options.inFlightLimit ?? 120_000,
  });
  return {
    queues,
    service: {
      name: 'sqs',
      targetPrefix: 'AmazonSQS',
      jsonVersion: '1.0',
      operations: { ...sending(queues, options), ...receiving(queues), ...administration(queues) },
      queryErrorCode: code => QUERY_NAMES.has(code) ? `AWS.SimpleQueueService.${QUERY_NAMES.get(code)}` : code,
      resourcePolicy: arn => queues.find(arn)?.policy,
      traced: withTrace,
    },
    providers: [queueProvider(context, queues), queuePolicyProvider(queues)],
    depth: arn => queues.find(arn)?.counts().visible ?? 0,
    inFlight: arn => queues.find(arn)?.counts().inFlight ?? 0,
    bodies: arn => queues.find(arn)?.bodies() ?? [],
    busy: () => queues.sources().some(queue => Object.values(queue.counts()).some(count => count > 0)),
    close: () => queues.all().forEach(queue => queue.close()),
  };
}

// ------------------------------------------------------------------------------------------------ sending

const SEND_MEMBERS = [
  'MessageBody',
  'DelaySeconds',
  'MessageAttributes',
  'MessageSystemAttributes',
  'MessageGroupId',
  'MessageDeduplicationId',
];

function sending(queues: QueueTable, options: SqsOptions): Record<string, Operation> {
  const permissions = queues.permissions('sqs:SendMessage', ['kms:GenerateDataKey', 'kms:Decrypt']);
  return {
    SendMessage: {
      permissions,
      handle: (input, caller) => {
        const fields = fieldsOf(input).only('QueueUrl', ...SEND_MEMBERS);
        const queue = queues.get(input);
        return sent(queue, parseMessage(fields, queue, senderId(caller)));
      },
    },
    SendMessageBatch: {
      permissions,
      handle: (input, caller) => {
        const queue = queues.get(input);
        const entries = batchEntries(fieldsOf(input).only('QueueUrl', 'Entries'), 'Send');
        refuseLongBatch(entries.map(entry => entry.fields.only('Id', ...SEND_MEMBERS)));
        return eachEntry(entries, entry => {
          const message = parseMessage(entry.fields, queue, senderId(caller));
          if (options.failsEntry?.(queue.name, message.body)) {
            throw new AwsError('InternalError', 'Internal error.', 500);
          }
          return sent(queue, message);
        });
      },
    },
  };
}

function sent(queue: Queue, message: NewMessage): object {
  const { id } = queue.send(message);
  const attributes = md5OfAttributes(message.attributes);
  return {
    MessageId: id,
    MD5OfMessageBody: md5(message.body),
    ...(attributes !== undefined && { MD5OfMessageAttributes: attributes }),
  };
}

function refuseLongBatch(entries: readonly Fields[]): void {
  const bytes = entries.reduce(
    (sum, entry) => sum + sizeOf({ body: entry.optionalText('MessageBody') ?? '', attributes: {}, senderId: '' }),
    0,
  );
  if (bytes > MAXIMUM_BYTES) {
    throw new AwsError(
      'BatchRequestTooLong',
      `Batch requests cannot be longer than ${MAXIMUM_BYTES} bytes. You have sent ${bytes} bytes.`,
    );
  }
}

/** `AROA...:SESSION`: an identifier of the role, not its name. */
function senderId(caller: Principal): string {
  return `AROA${md5(caller.roleArn ?? caller.arn).slice(0, 17).toUpperCase()}:${caller.arn.split('/').pop()}`;
}

/**
 * SQS keeps a request's trace header as the messages' system attribute AWSTraceHeader; the SDK sends it inside of a
 * function.
 * @see https://docs.aws.amazon.com/xray/latest/devguide/xray-services-sqs.html
 */
function withTrace(operation: string, input: Input, header: string): Input {
  const add = (message: Input): Input => ({
    ...message,
    MessageSystemAttributes: {
      AWSTraceHeader: { DataType: 'String', StringValue: header },
      ...(isRecord(message.MessageSystemAttributes) ? message.MessageSystemAttributes : {}),
    },
  });
  if (operation === 'SendMessage') { return add(input); }
  if (operation !== 'SendMessageBatch' || !Array.isArray(input.Entries)) { return input; }
  return { ...input, Entries: input.Entries.map((entry: unknown) => isRecord(entry) ? add(entry) : entry) };
}

// ------------------------------------------------------------------------------------------------ receiving

function receiving(queues: QueueTable): Record<string, Operation> {
  const deletion = queues.permissions('sqs:DeleteMessage');
  const visibility = queues.permissions('sqs:ChangeMessageVisibility');
  return {
    ReceiveMessage: {
      permissions: queues.permissions('sqs:ReceiveMessage', ['kms:Decrypt']),
      handle: async input => {
        const fields = fieldsOf(input)
          .only(
            'QueueUrl',
            'AttributeNames',
            'MessageSystemAttributeNames',
            'MessageAttributeNames',
            'MaxNumberOfMessages',
            'VisibilityTimeout',
            'WaitTimeSeconds',
          );
        const queue = queues.get(input);
        const wait = fields.integer('WaitTimeSeconds', 0, 20) ?? queue.attributes.receiveMessageWaitTimeSeconds;
        const taken = await queue.receive(
          fields.integer('MaxNumberOfMessages', 1, 10) ?? 1,
          fields.integer('VisibilityTimeout', 0, 43_200),
          wait,
        );
        const system = [...fields.texts('AttributeNames') ?? [], ...fields.texts('MessageSystemAttributeNames') ?? []];
        const names = fields.texts('MessageAttributeNames') ?? [];
        return taken.length === 0
          ? {}
          : { Messages: taken.map(({ message, receipt }) => received(message, receipt, system, names)) };
      },
    },
    DeleteMessage: {
      permissions: deletion,
      handle: input => {
        queues.get(input).delete(fieldsOf(input).only('QueueUrl', 'ReceiptHandle').text('ReceiptHandle'));
        return {};
      },
    },
    DeleteMessageBatch: {
      permissions: deletion,
      handle: input => {
        const queue = queues.get(input);
        return eachEntry(batchEntries(fieldsOf(input).only('QueueUrl', 'Entries'), 'Delete'), ({ fields }) => {
          queue.delete(fields.only('Id', 'ReceiptHandle').text('ReceiptHandle'));
          return {};
        });
      },
    },
    ChangeMessageVisibility: {
      permissions: visibility,
      handle: input => {
        changeVisibility(queues.get(input), fieldsOf(input).only('QueueUrl', 'ReceiptHandle', 'VisibilityTimeout'));
        return {};
      },
    },
    ChangeMessageVisibilityBatch: {
      permissions: visibility,
      handle: input => {
        const queue = queues.get(input);
        return eachEntry(batchEntries(fieldsOf(input).only('QueueUrl', 'Entries'), 'ChangeMessageVisibility'), ({
          fields,
        }) => {
          changeVisibility(queue, fields.only('Id', 'ReceiptHandle', 'VisibilityTimeout'));
          return {};
        });
      },
    },
  };
}

function changeVisibility(queue: Queue, fields: Fields): void {
  queue.changeVisibility(
    fields.text('ReceiptHandle'),
    fields.require('VisibilityTimeout', fields.integer('VisibilityTimeout', 0, 43_200)),
  );
}

// ------------------------------------------------------------------------------------------------ batches

interface BatchEntry {
  readonly id: string;
  readonly fields: Fields;
}

function batchEntries(fields: Fields, action: string): BatchEntry[] {
  const entries = (fields.objects('Entries') ?? []).map(entry => ({ id: entry.text('Id'), fields: entry }));
  if (entries.length === 0) {
    throw new AwsError(
      'EmptyBatchRequest',
      `There should be at least one ${action}MessageBatchRequestEntry in the request.`,
    );
  }
  if (entries.length > 10) {
    throw new AwsError(
      'TooManyEntriesInBatchRequest',
      `Maximum number of entries per request are 10. You have sent ${entries.length}.`,
    );
  }
  const bad = entries.find(({ id }) => !/^[A-Za-z0-9_-]{1,80}$/.test(id));
  if (bad) {
    throw new AwsError(
      'InvalidBatchEntryId',
      'A batch entry id can only contain alphanumeric characters, hyphens and underscores. '
        + 'It can be at most 80 letters long.',
    );
  }
  const repeated = entries.find(({ id }, at) => entries.findIndex(other => other.id === id) < at);
  if (repeated) { throw new AwsError('BatchEntryIdsNotDistinct', `Id ${repeated.id} repeated.`); }
  return entries;
}

/** Every entry succeeds or fails for itself; the batch is answered with 200. */
function eachEntry(entries: readonly BatchEntry[], act: (entry: BatchEntry) => object): object {
  const Successful: object[] = [];
  const Failed: object[] = [];
  for (const entry of entries) {
    try {
      Successful.push({ Id: entry.id, ...act(entry) });
    } catch (error) {
      if (!(error instanceof AwsError)) { throw error; }
      Failed.push({ Id: entry.id, SenderFault: error.status < 500, Code: error.code, Message: error.message });
    }
  }
  return { Successful, ...(Failed.length > 0 && { Failed }) };
}

// ------------------------------------------------------------------------------------------------ administration

function administration(queues: QueueTable): Record<string, Operation> {
  return {
    GetQueueUrl: {
      permissions: input => [{
        action: 'sqs:GetQueueUrl',
        resource: queues.arn(fieldsOf(input).text('QueueName'), fieldsOf(input).optionalText('QueueOwnerAWSAccountId')),
      }],
      handle: input => {
        const fields = fieldsOf(input).only('QueueName', 'QueueOwnerAWSAccountId');
        const queue = queues.find(queues.arn(fields.text('QueueName'), fields.optionalText('QueueOwnerAWSAccountId')));
        if (!queue) { throw new AwsError('QueueDoesNotExist', 'The specified queue does not exist.'); }
        return { QueueUrl: queue.url };
      },
    },
    GetQueueAttributes: {
      permissions: queues.permissions('sqs:GetQueueAttributes'),
      handle: input => {
        const names = fieldsOf(input).only('QueueUrl', 'AttributeNames').texts('AttributeNames') ?? [];
        const all = describe(queues.get(input));
        const unknown = names.find(name => name !== 'All' && !ATTRIBUTE_NAMES.includes(name));
        if (unknown !== undefined) { throw new AwsError('InvalidAttributeName', `Unknown Attribute ${unknown}.`); }
        const wanted = Object.entries(all)
          .filter(([name, value]) => value !== undefined && (names.includes('All') || names.includes(name)));
        return wanted.length === 0 ? {} : { Attributes: Object.fromEntries(wanted) };
      },
    },
    PurgeQueue: {
      permissions: queues.permissions('sqs:PurgeQueue'),
      handle: input => {
        const queue = queues.get(input);
        if (queue.sinceLastPurge() < 60_000) {
          throw new AwsError(
            'PurgeQueueInProgress',
            `Only one PurgeQueue operation on ${queue.name} is allowed every 60 seconds.`,
            403,
          );
        }
        queue.purge();
        return {};
      },
    },
  };
}

const ATTRIBUTE_NAMES = [
  'QueueArn', 'CreatedTimestamp', 'LastModifiedTimestamp', 'VisibilityTimeout', 'DelaySeconds', 'MaximumMessageSize',
  'MessageRetentionPeriod', 'ReceiveMessageWaitTimeSeconds', 'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible', 'ApproximateNumberOfMessagesDelayed', 'SqsManagedSseEnabled',
  'KmsMasterKeyId', 'KmsDataKeyReusePeriodSeconds', 'RedrivePolicy', 'RedriveAllowPolicy', 'Policy',
];

function describe(queue: Queue): Record<string, string | undefined> {
  const { attributes } = queue;
  const counts = queue.counts();
  const created = String(Math.floor(epochSeconds(queue.createdAt)));
  return {
    QueueArn: queue.arn,
    CreatedTimestamp: created,
    LastModifiedTimestamp: created,
    VisibilityTimeout: String(attributes.visibilityTimeout),
    DelaySeconds: String(attributes.delaySeconds),
    MaximumMessageSize: String(attributes.maximumMessageSize),
    MessageRetentionPeriod: String(attributes.messageRetentionPeriod),
    ReceiveMessageWaitTimeSeconds: String(attributes.receiveMessageWaitTimeSeconds),
    ApproximateNumberOfMessages: String(counts.visible),
    ApproximateNumberOfMessagesNotVisible: String(counts.inFlight),
    ApproximateNumberOfMessagesDelayed: String(counts.delayed),
    SqsManagedSseEnabled: String(attributes.sqsManagedSseEnabled && attributes.kmsMasterKeyId === undefined),
    KmsMasterKeyId: attributes.kmsMasterKeyId,
    KmsDataKeyReusePeriodSeconds: attributes.kmsMasterKeyId === undefined
      ? undefined
      : String(attributes.kmsDataKeyReusePeriodSeconds ?? 300),
    RedrivePolicy: attributes.redrivePolicy && JSON.stringify(attributes.redrivePolicy),
    RedriveAllowPolicy: attributes.redriveAllowPolicy && JSON.stringify(attributes.redriveAllowPolicy),
    Policy: queue.policy && JSON.stringify(queue.policy),
  };
}
