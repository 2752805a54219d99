import { createHash } from 'node:crypto';
import { failedItems } from './batch-response';
import { chainLength, MAXIMUM_CHAIN } from './lineage';
import { FunctionPool, InvocationResult } from './pool';
import { CoreContext } from '../../core/context';
import {
  isRecord, list, number, onlyKeys, optionalNumber, optionalRecord, optionalString, parseJson, record, string, strings,
} from '../../core/json';
import { randomUuid, urlSuffix } from '../../core/naming';
import { AwsError, ResourceProvider } from '../../core/service';

interface Mapping {
  readonly id: string;
  readonly pool: FunctionPool;
  readonly queueArn: string;
  readonly queueUrl: string;
  readonly batchSize: number;
  readonly windowMs: number;
  readonly concurrency: number;
  readonly partialFailures: boolean;
}

interface Message {
  readonly id: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly record: object;
  /** System attribute AWSTraceHeader: which chain of requests the message belongs to. */
  readonly trace?: string;
}

/** A mapping starts with five pollers: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html */
const INITIAL_POLLERS = 5;
/** Where a poller waits after an error. */
const BACKOFF_MS = 1000;

/** The event source mappings of the account: they poll queues as the function's role and invoke the function. */
export class EventSources {
  private readonly mappings = new Map<string, AbortController>();
  /** Batches under way. */
  private readonly deliveries = new Set<Promise<void>>();

  constructor(private readonly context: CoreContext, public readonly find: (reference: string) => FunctionPool) {}

  public busy(): boolean {
    return this.deliveries.size > 0;
  }

  public start(mapping: Mapping): void {
    const stop = new AbortController();
    this.mappings.set(mapping.id, stop);
    for (let poller = 0; poller < Math.min(mapping.concurrency, INITIAL_POLLERS); poller++) {
      void this.poll(mapping, stop.signal);
    }
  }

  /**
   * Ends the mapping; batches under way are finished. What a poller still waits for returns to the
   * queue by its visibility timeout.
   */
  public async stop(id: string): Promise<void> {
    this.mappings.get(id)?.abort();
    this.mappings.delete(id);
    await Promise.allSettled(this.deliveries);
  }

  public async close(): Promise<void> {
    await Promise.all([...this.mappings.keys()].map(async id => this.stop(id)));
  }

  /** One poller: gathers a batch, hands it over, deletes what succeeded. */
  private async poll(mapping: Mapping, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const first = await this.receive(mapping, Math.min(10, mapping.batchSize), 20);
        if (first.length === 0 || signal.aborted) { continue; }
        const delivery = this.fill(mapping, first, signal).then(async batch => this.deliver(mapping, batch));
        this.deliveries.add(delivery);
        await delivery.finally(() => this.deliveries.delete(delivery));
      } catch (error) {
        if (signal.aborted) { return; }
        this.context.emit({
          source: 'lambda',
          resource: mapping.pool.name,
          kind: 'poll-failed',
          text: `${mapping.queueArn}: ${String(error)}`,
        });
        // Anything but AWS's own refusals is a bug of the local cloud: it must be seen, and not spin.
        if (!(error instanceof AwsError)) {
          process.stderr.write('event source mapping failed: '
            + `${error instanceof Error ? error.stack : String(error)}\n`);
        }
        await this.context.clock.sleep(BACKOFF_MS, signal);
      }
    }
  }

  /** Adds messages until the batch is full or its window is over. The window opens with the first message. */
  private async fill(mapping: Mapping, first: readonly Message[], signal: AbortSignal): Promise<readonly Message[]> {
    const batch = [...first];
    const end = this.context.clock.now() + mapping.windowMs;
    while (batch.length < mapping.batchSize && !signal.aborted) {
      const left = end - this.context.clock.now();
      if (left <= 0) { break; }
      const more = await this.receive(mapping, Math.min(10, mapping.batchSize - batch.length), 0);
      batch.push(...more);
      if (more.length === 0) { await this.context.clock.sleep(Math.min(left, 200), signal); }
    }
    return batch;
  }

  private async receive(mapping: Mapping, maximum: number, waitSeconds: number): Promise<readonly Message[]> {
    const output = await this.context.call(mapping.pool.session, 'sqs', 'ReceiveMessage', {
      QueueUrl: mapping.queueUrl,
      MaxNumberOfMessages: maximum,
      WaitTimeSeconds: waitSeconds,
      AttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    });
    return list(output.Messages ?? [], 'Messages').map(message => this.message(mapping, record(message, 'Messages')));
  }

  /** https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event */
  private message(mapping: Mapping, message: Readonly<Record<string, unknown>>): Message {
    const id = string(message.MessageId, 'MessageId');
    const receiptHandle = string(message.ReceiptHandle, 'ReceiptHandle');
    const body = string(message.Body, 'Body');
    const attributes = optionalRecord(message.Attributes, 'Attributes');
    return {
      id,
      receiptHandle,
      body,
      trace: optionalString(attributes.AWSTraceHeader, 'AWSTraceHeader'),
      record: {
        messageId: id,
        receiptHandle,
        body,
        attributes,
        messageAttributes: lambdaAttributes(optionalRecord(message.MessageAttributes, 'MessageAttributes')),
        ...(message.MD5OfMessageAttributes === undefined
          ? {}
          : { md5OfMessageAttributes: message.MD5OfMessageAttributes }),
        md5OfBody: message.MD5OfBody ?? createHash('md5').update(body).digest('hex'),
        eventSource: 'aws:sqs',
        eventSourceARN: mapping.queueArn,
        awsRegion: this.context.region,
      },
    };
  }

  private async deliver(mapping: Mapping, received: readonly Message[]): Promise<void> {
    const looping = received.filter(({ trace }) => chainLength(trace, mapping.pool.name) >= MAXIMUM_CHAIN);
    if (looping.length > 0) { await this.drop(mapping, looping); }
    const batch = received.filter(message => !looping.includes(message));
    if (batch.length === 0) { return; }
    // Which of a batch's traces an invocation goes on with is not documented; here it is the first message's.
    const TraceHeader = batch[0]?.trace;
    const Payload = JSON.stringify({ Records: batch.map(message => message.record) });
    const input = { FunctionName: mapping.pool.name, Payload, TraceHeader };
    // The mapping belongs to the function: whoever may create it may have it invoked.
    const output = await this.context.call(this.context.administrator, 'lambda', 'Invoke', input);
    const result: InvocationResult = {
      requestId: String(output.RequestId),
      payload: String(output.Payload),
      ...(output.FunctionError === undefined ? {} : { functionError: 'Unhandled' as const }),
    };
    const failed = failedItems(result, batch.map(message => message.id), mapping.partialFailures);
    if (failed.length > 0) {
      this.context.emit({
        source: 'lambda',
        resource: mapping.pool.name,
        kind: 'batch-failed',
        text: `${failed.length} of ${batch.length} messages stay in the queue`,
      });
    }
    await this.remove(mapping, batch.filter(message => !failed.includes(message.id)));
  }

  /**
   * Stops a loop: Lambda doesn't invoke the function, and sends the message to the queue's dead-letter queue when there
   * is one.
   * @see https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
   */
  private async drop(mapping: Mapping, messages: readonly Message[]): Promise<void> {
    const { administrator } = this.context;
    const { Attributes } = await this.context.call(
      administrator, 'sqs', 'GetQueueAttributes', { QueueUrl: mapping.queueUrl, AttributeNames: ['RedrivePolicy'] });
    const policy = isRecord(Attributes) ? Attributes.RedrivePolicy : undefined;
    const target = policy === undefined ? undefined
      : record(parseJson(String(policy), 'RedrivePolicy'), 'RedrivePolicy').deadLetterTargetArn;
    for (const { body } of target === undefined ? [] : messages) {
      const QueueUrl = queueUrlOf(this.context, String(target));
      await this.context.call(administrator, 'sqs', 'SendMessage', { QueueUrl, MessageBody: body });
    }
    await this.remove(mapping, messages);
    const { pool: { name } } = mapping;
    const text = `${messages.length} messages of a loop were dropped`;
    this.context.emit({ source: 'lambda', resource: name, kind: 'recursion-stopped', text });
    const caller = { service: 'lambda.amazonaws.com', arn: 'lambda.amazonaws.com' };
    await this.context.call(caller, 'monitoring', 'EmitServiceMetrics', {
      Namespace: 'AWS/Lambda',
      MetricName: 'RecursiveInvocationsDropped',
      Dimensions: { FunctionName: name },
      Value: messages.length,
    });
  }

  private async remove(mapping: Mapping, messages: readonly Message[]): Promise<void> {
    for (let at = 0; at < messages.length; at += 10) {
      const entries = messages.slice(at, at + 10)
        .map((message, index) => ({ Id: String(index), ReceiptHandle: message.receiptHandle }));
      await this.context.call(mapping.pool.session, 'sqs', 'DeleteMessageBatch', {
        QueueUrl: mapping.queueUrl,
        Entries: entries,
      });
    }
  }
}

/** Attribute names start with a small letter in the event. */
function lambdaAttributes(attributes: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => isRecord(value)).map(([name, value]) => {
    const { DataType, StringValue, BinaryValue } = record(value, name);
    return [name, {
      dataType: DataType,
      stringValue: StringValue,
      binaryValue: BinaryValue,
      stringListValues: [],
      binaryListValues: [],
    }];
  }));
}

export function eventSourceProvider(context: CoreContext, sources: EventSources): ResourceProvider {
  return {
    type: 'AWS::Lambda::EventSourceMapping',
    properties: [
      'BatchSize', 'EventSourceArn', 'FunctionName', 'FunctionResponseTypes', 'MaximumBatchingWindowInSeconds',
      'ScalingConfig', 'Enabled', 'Tags',
    ],
    create: async request => {
      const id = randomUuid(context.random);
      await begin(context, sources, id, request.properties);
      return {
        physicalId: id,
        attributes: {
          Id: id,
          EventSourceMappingArn: `arn:${context.partition}:lambda:${context.region}:${context.account}:`
            + `event-source-mapping:${id}`,
        },
      };
    },
    update: async (request, previous) => {
      await sources.stop(previous.physicalId);
      await begin(context, sources, previous.physicalId, request.properties);
      return previous;
    },
    delete: async resource => sources.stop(resource.physicalId),
  };
}

async function begin(
  context: CoreContext,
  sources: EventSources,
  id: string,
  properties: Readonly<Record<string, unknown>>,
): Promise<void> {
  const mapping = parseMapping(context, sources, id, properties);
  await checkQueue(context, mapping);
  if (properties.Enabled !== false && properties.Enabled !== 'false') { sources.start(mapping); }
}

/**
 * The rules of https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html for SQS standard queues
 */
function parseMapping(
  context: CoreContext,
  sources: EventSources,
  id: string,
  properties: Readonly<Record<string, unknown>>,
): Mapping {
  const queueArn = string(properties.EventSourceArn, 'EventSourceArn');
  const name = queueArn.split(':')[5] ?? '';
  if (!/^arn:[^:]+:sqs:/.test(queueArn) || name.endsWith('.fifo')) { throw invalid(`event source ${queueArn} isn't modelled (SQS standard queues are); add it in sandbox/aws/services/lambda/event-source.ts`); }
  const batchSize = optionalNumber(properties.BatchSize, 'BatchSize') ?? 10;
  const window = optionalNumber(properties.MaximumBatchingWindowInSeconds, 'MaximumBatchingWindowInSeconds') ?? 0;
  if (batchSize < 1 || batchSize > 10_000) { throw invalid(`Batch size ${batchSize} must be between 1 and 10000`); }
  if (window < 0 || window > 300) { throw invalid(`Maximum batch window ${window} must be between 0 and 300 seconds`); }
  if (batchSize > 10 && window < 1) {
    throw invalid('Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10');
  }
  const scaling = optionalRecord(properties.ScalingConfig, 'ScalingConfig');
  onlyKeys(scaling, ['MaximumConcurrency'], 'ScalingConfig', 'services/lambda/event-source.ts');
  const concurrency = optionalNumber(scaling.MaximumConcurrency, 'MaximumConcurrency') ?? 1000;
  if (concurrency < 2 || concurrency > 1000) {
    throw invalid(`Value '${concurrency}' at 'scalingConfig.maximumConcurrency' failed to satisfy `
      + 'constraint: between 2 and 1000');
  }
  const types = strings(properties.FunctionResponseTypes ?? [], 'FunctionResponseTypes');
  if (types.some(type => type !== 'ReportBatchItemFailures')) {
    throw invalid(`FunctionResponseTypes ${types.join(', ')}: only ReportBatchItemFailures is known`);
  }
  return {
    id,
    pool: sources.find(string(properties.FunctionName, 'FunctionName')),
    queueArn,
    queueUrl: queueUrlOf(context, queueArn),
    batchSize,
    windowMs: window * 1000,
    concurrency,
    partialFailures: types.length > 0,
  };
}

function queueUrlOf(context: CoreContext, arn: string): string {
  return `https://sqs.${context.region}.${urlSuffix(context.partition)}/${context.account}/${arn.split(':')[5]}`;
}

/** Lambda looks at the role and the queue before it accepts a mapping. */
async function checkQueue(context: CoreContext, mapping: Mapping): Promise<void> {
  for (const action of ['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes']) {
    if (!context.isAllowed(mapping.pool.session, { action: `sqs:${action}`, resource: mapping.queueArn })) {
      throw invalid(`The provided execution role does not have permissions to call ${action} on SQS`);
    }
  }
  const { Attributes } = await context.call(mapping.pool.session, 'sqs', 'GetQueueAttributes', {
    QueueUrl: mapping.queueUrl,
    AttributeNames: ['VisibilityTimeout'],
  });
  const visibility = number(isRecord(Attributes) ? Attributes.VisibilityTimeout : undefined, 'VisibilityTimeout');
  const timeout = mapping.pool.settings.timeoutSeconds;
  if (visibility < timeout) {
    throw invalid(`Queue visibility timeout: ${visibility} seconds is less than Function timeout: ${timeout} seconds`);
  }
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message);
}

