import { createHash, randomUUID } from 'node:crypto';
import { AwsError, CloudContext } from '../../core/service';

export interface QueueAttributes {
  readonly delaySeconds: number;
  readonly maximumMessageSize: number;
  readonly messageRetentionPeriod: number;
  readonly receiveMessageWaitTimeSeconds: number;
  readonly visibilityTimeout: number;
  readonly kmsMasterKeyId?: string;
  readonly kmsDataKeyReusePeriodSeconds?: number;
  readonly sqsManagedSseEnabled: boolean;
  readonly redrivePolicy?: { readonly deadLetterTargetArn: string; readonly maxReceiveCount: number };
  readonly redriveAllowPolicy?: { readonly redrivePermission: string; readonly sourceQueueArns?: readonly string[] };
}

export interface MessageAttribute {
  readonly DataType: string;
  readonly StringValue?: string;
  readonly BinaryValue?: string;
}

export interface NewMessage {
  readonly body: string;
  readonly attributes: Readonly<Record<string, MessageAttribute>>;
  readonly traceHeader?: string;
  readonly senderId: string;
  readonly delaySeconds?: number;
}

export interface Message extends NewMessage {
  readonly id: string;
  readonly sentAt: number;
  /** Another copy of the same message has another key: at-least-once delivery makes copies. */
  readonly key: string;
  visibleAt: number;
  receiveCount: number;
  firstReceivedAt?: number;
  /** Of the latest reception. */
  receivedAt?: number;
  /** The queue that it failed in. */
  deadLetterSource?: string;
}

export interface QueueBehaviour {
  /** Probability that a sent message is delivered twice. */
  readonly duplicateProbability: number;
  /** Hand out visible messages in random order. */
  readonly shuffle: boolean;
  /**
   * Messages that may be hidden at a time:
   * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
   */
  readonly inFlightLimit: number;
}

const MAXIMUM_VISIBILITY_MS = 43_200_000;

/** One standard queue. Time is the cloud's clock; nothing happens between calls. */
export class Queue {
  public attributes: QueueAttributes;
  public policy: object | undefined;
  private purgedAt = -Infinity;
  private messages: Message[] = [];
  private closed = false;
  private readonly waiting = new Set<() => void>();

  public constructor(
    public readonly name: string,
    public readonly arn: string,
    public readonly url: string,
    attributes: QueueAttributes,
    public readonly createdAt: number,
    private readonly context: CloudContext,
    private readonly behaviour: QueueBehaviour,
    private readonly deadLetterQueue: (arn: string) => Queue | undefined,
  ) {
    this.attributes = attributes;
  }

  public send(sent: NewMessage): Message {
    const now = this.context.clock.now();
    const visibleAt = now + (sent.delaySeconds ?? this.attributes.delaySeconds) * 1000;
    const message: Message = { ...sent, id: randomUUID(), key: randomUUID(), sentAt: now, visibleAt, receiveCount: 0 };
    this.add(message);
    if (this.behaviour.duplicateProbability > 0 && this.context.random() < this.behaviour.duplicateProbability) {
      this.add({ ...message, key: randomUUID() });
    }
    return message;
  }

  /** Takes up to `max` visible messages, hides them, and moves those that failed too often to the dead-letter queue. */
  public take(
    max: number,
    visibilityTimeout = this.attributes.visibilityTimeout,
  ): { message: Message; receipt: string }[] {
    const now = this.context.clock.now();
    this.redrive(now);
    const visible = this.live().filter(message => message.visibleAt <= now);
    if (this.behaviour.shuffle) { shuffle(visible, this.context.random); }
    return visible.slice(0, Math.min(max, this.behaviour.inFlightLimit - this.counts().inFlight)).map(message => {
      message.receiveCount++;
      message.firstReceivedAt ??= now;
      message.receivedAt = now;
      message.visibleAt = now + visibilityTimeout * 1000;
      return { message, receipt: receiptOf(message) };
    });
  }

  /** `take`, waiting for the first message as long polling does. */
  public async receive(
    max: number,
    visibilityTimeout: number | undefined,
    waitSeconds: number,
  ): Promise<{ message: Message; receipt: string }[]> {
    const { clock } = this.context;
    const deadline = clock.now() + waitSeconds * 1000;
    // Long polling answers nothing instead:
    // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
    if (waitSeconds === 0 && this.counts().inFlight >= this.behaviour.inFlightLimit) {
      throw new AwsError('OverLimit', 'The specified action violates a limit: too many messages are in flight.', 403);
    }
    for (;;) {
      const taken = this.take(max, visibilityTimeout);
      if (taken.length > 0 || clock.now() >= deadline) { return taken; }
      const next = Math.min(deadline, ...this.messages.map(message => message.visibleAt));
      // At the limit there are visible messages that nobody gets: look again now and then.
      const pause = this.counts().inFlight >= this.behaviour.inFlightLimit ? 200 : 1;
      if (!await this.changed(Math.max(pause, next - clock.now()))) { return []; }
    }
  }

  /** A stale receipt of a message that was received again since succeeds and deletes nothing, as AWS documents. */
  public delete(receipt: string): void {
    const { key, count } = parseReceipt(receipt);
    this.messages = this.messages.filter(message => message.key !== key || message.receiveCount !== count);
  }

  public changeVisibility(receipt: string, seconds: number): void {
    const { key, count } = parseReceipt(receipt);
    const now = this.context.clock.now();
    const message = this.live()
      .find(candidate => candidate.key === key && candidate.receiveCount === count && candidate.visibleAt > now);
    if (!message) {
      throw new AwsError(
        'InvalidParameterValue',
        `Value ${receipt} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available `
          + 'for visibility timeout change.',
      );
    }
    // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html: 12 hours
    // from the reception
    if (now + seconds * 1000 - (message.receivedAt ?? now) > MAXIMUM_VISIBILITY_MS) {
      throw new AwsError('InvalidParameterValue', `Value ${seconds} for parameter VisibilityTimeout is invalid. `
        + 'Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds].');
    }
    message.visibleAt = now + seconds * 1000;
    this.wake();
  }

  public purge(): void {
    this.messages = [];
    this.purgedAt = this.context.clock.now();
  }

  /** Milliseconds. */
  public sinceLastPurge(): number {
    return this.context.clock.now() - this.purgedAt;
  }

  public counts(): { visible: number; inFlight: number; delayed: number } {
    const now = this.context.clock.now();
    const hidden = this.live().filter(message => message.visibleAt > now);
    const delayed = hidden.filter(message => message.receiveCount === 0).length;
    return { visible: this.live().length - hidden.length, inFlight: hidden.length - delayed, delayed };
  }

  /** Bodies of everything in the queue, oldest first. */
  public bodies(): string[] {
    return this.live().map(message => message.body);
  }

  /** Lets whoever polls look again. */
  public wake(): void {
    [...this.waiting].forEach(wake => wake());
  }

  public close(): void {
    this.closed = true;
    this.wake();
  }

  private add(message: Message): void {
    this.messages.push(message);
    this.wake();
  }

  private live(): Message[] {
    const oldest = this.context.clock.now() - this.attributes.messageRetentionPeriod * 1000;
    if (this.messages.some(message => message.sentAt < oldest)) {
      this.messages = this.messages.filter(message => message.sentAt >= oldest);
    }
    return this.messages;
  }

  private redrive(now: number): void {
    const policy = this.attributes.redrivePolicy;
    const target = policy && this.deadLetterQueue(policy.deadLetterTargetArn);
    if (!policy || !target) { return; }
    const failed = this.live()
      .filter(message => message.visibleAt <= now && message.receiveCount >= policy.maxReceiveCount);
    if (failed.length === 0) { return; }
    this.messages = this.messages.filter(message => !failed.includes(message));
    failed.forEach(message =>
      target.add({ ...message, key: randomUUID(), visibleAt: now, deadLetterSource: this.arn }));
    this.context.emit({
      source: 'sqs',
      resource: target.name,
      kind: 'redriven',
      text: `${failed.length} message(s) from ${this.name} after ${policy.maxReceiveCount} receives`,
    });
  }

  /** Resolves when messages came or `ms` passed; false when the queue is gone. */
  private async changed(ms: number): Promise<boolean> {
    if (this.closed) { return false; }
    const controller = new AbortController();
    const wake = (): void => controller.abort();
    this.waiting.add(wake);
    await this.context.clock.sleep(ms, controller.signal);
    this.waiting.delete(wake);
    return !this.closed;
  }
}

function receiptOf(message: Message): string {
  const text = `${message.key}/${message.receiveCount}`;
  return Buffer.from(`${text}/${checksum(text)}`).toString('base64');
}

function parseReceipt(receipt: string): { key: string; count: number } {
  const [key, count, sum] = Buffer.from(receipt, 'base64').toString().split('/');
  if (sum === undefined || sum !== checksum(`${key}/${count}`)) {
    throw new AwsError(
      'ReceiptHandleIsInvalid',
      `The input receipt handle "${receipt}" is not a valid receipt handle.`,
      404,
    );
  }
  return { key, count: Number(count) };
}

function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

function shuffle<T>(items: T[], random: () => number): void {
  for (let at = items.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [items[at], items[other]] = [items[other], items[at]];
  }
}
