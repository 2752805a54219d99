import { createHash } from 'node:crypto';
import type { Message, MessageAttribute, NewMessage, Queue } from './queue';
import type { Fields } from '../../core/fields';
import { isRecord, Json } from '../../core/json';
import { AwsError } from '../../core/service';

/** One message and a whole batch may have this much since August 2025 (262,144 before). */
export const MAXIMUM_BYTES = 1_048_576;

/** Reads and checks the members that SendMessage shares with an entry of SendMessageBatch. */
export function parseMessage(fields: Fields, queue: Queue, senderId: string): NewMessage {
  const attributes = parseAttributes(fields, 'MessageAttributes');
  const message: NewMessage = {
    body: fields.text('MessageBody'),
    attributes,
    senderId,
    traceHeader: parseAttributes(fields, 'MessageSystemAttributes').AWSTraceHeader?.StringValue,
    delaySeconds: fields.integer('DelaySeconds', 0, 900),
  };
  if (fields.has('MessageGroupId') || fields.has('MessageDeduplicationId')) {
    throw new AwsError(
      'InvalidParameterValue',
      'The local cloud has standard queues only: MessageGroupId and MessageDeduplicationId are not implemented.',
    );
  }
  if (message.body === '') {
    throw new AwsError('MissingParameter', 'The request must contain the parameter MessageBody.');
  }
  if (!isAllowedText(message.body)) {
    throw new AwsError(
      'InvalidMessageContents',
      'Invalid binary character was found in the message body, the set of allowed characters is #x9 | #xA | #xD | #x20 '
        + 'to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF',
    );
  }
  const limit = queue.attributes.maximumMessageSize;
  if (sizeOf(message) > limit) {
    throw new AwsError(
      'InvalidParameterValue',
      `One or more parameters are invalid. Reason: Message must be shorter than ${limit} bytes.`,
    );
  }
  return message;
}

export function sizeOf(message: NewMessage): number {
  return Buffer.byteLength(message.body) + Object.entries(message.attributes).reduce((sum, [name, attribute]) =>
    sum + Buffer.byteLength(name) + Buffer.byteLength(attribute.DataType) + valueOf(attribute).length, 0);
}

export function md5(data: string | Buffer): string {
  return createHash('md5').update(data).digest('hex');
}

/**
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-attributes-md5-message-digest-calculation
 */
export function md5OfAttributes(attributes: Readonly<Record<string, MessageAttribute>>): string | undefined {
  const names = Object.keys(attributes).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  if (names.length === 0) { return undefined; }
  return md5(Buffer.concat(names.flatMap(name => [
    withLength(Buffer.from(name)),
    withLength(Buffer.from(attributes[name].DataType)),
    Buffer.from([attributes[name].BinaryValue === undefined ? 1 : 2]),
    withLength(valueOf(attributes[name])),
  ])));
}

/** A message as ReceiveMessage shows it, with the attributes that were asked for. */
export function received(
  message: Message,
  receipt: string,
  systemNames: readonly string[],
  names: readonly string[],
): object {
  const system = systemAttributes(message);
  const wantedSystem = pick(system, name => systemNames.includes('All') || systemNames.includes(name));
  const wanted = pick(message.attributes, name => names.some(pattern => matches(pattern, name)));
  return {
    MessageId: message.id,
    ReceiptHandle: receipt,
    MD5OfBody: md5(message.body),
    Body: message.body,
    ...(Object.keys(wantedSystem).length > 0 && { Attributes: wantedSystem }),
    ...(Object.keys(wanted).length > 0
      && { MessageAttributes: wanted, MD5OfMessageAttributes: md5OfAttributes(wanted) }),
  };
}

function systemAttributes(message: Message): Record<string, string> {
  return {
    SenderId: message.senderId,
    SentTimestamp: String(Math.floor(message.sentAt)),
    ApproximateReceiveCount: String(message.receiveCount),
    ApproximateFirstReceiveTimestamp: String(Math.floor(message.firstReceivedAt ?? message.sentAt)),
    ...(message.traceHeader !== undefined && { AWSTraceHeader: message.traceHeader }),
    ...(message.deadLetterSource !== undefined && { DeadLetterQueueSourceArn: message.deadLetterSource }),
  };
}

function parseAttributes(fields: Fields, member: string): Record<string, MessageAttribute> {
  const record = fields.record(member) ?? {};
  if (Object.keys(record).length > 10) {
    throw new AwsError(
      'InvalidParameterValue',
      `Number of message attributes [${Object.keys(record).length}] exceeds the allowed maximum [10].`,
    );
  }
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, parseAttribute(name, value)]));
}

function parseAttribute(name: string, value: unknown): MessageAttribute {
  const { DataType, StringValue, BinaryValue }: Json = isRecord(value) ? value : {};
  if (!/^[A-Za-z0-9_.-]{1,256}$/.test(name)) {
    throw new AwsError(
      'InvalidParameterValue',
      `The message attribute name '${name}' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_), `
        + 'hyphen (-), and period (.) characters.',
    );
  }
  if (typeof DataType !== 'string' || !/^(String|Number|Binary)(\..+)?$/.test(DataType)) {
    throw new AwsError(
      'InvalidParameterValue',
      `The message attribute '${name}' has an invalid message attribute type, the set of supported type prefixes is `
        + 'Binary, Number, and String.',
    );
  }
  const wanted = DataType.startsWith('Binary') ? BinaryValue : StringValue;
  if (typeof wanted !== 'string' || wanted === '') {
    throw new AwsError(
      'InvalidParameterValue',
      `The message attribute '${name}' must contain a non-empty message attribute value for message `
        + `attribute type '${DataType}'.`,
    );
  }
  return DataType.startsWith('Binary') ? { DataType, BinaryValue: wanted } : { DataType, StringValue: wanted };
}

function valueOf(attribute: MessageAttribute): Buffer {
  return attribute.BinaryValue === undefined
    ? Buffer.from(attribute.StringValue ?? '')
    : Buffer.from(attribute.BinaryValue, 'base64');
}

function withLength(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function isAllowedText(text: string): boolean {
  return /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u.test(text);
}

/** `All`, `.*`, `prefix.*` or a name. */
function matches(pattern: string, name: string): boolean {
  if (pattern === 'All' || pattern === '.*') { return true; }
  return pattern.endsWith('.*') ? name.startsWith(pattern.slice(0, -2)) : pattern === name;
}

function pick<T>(record: Readonly<Record<string, T>>, wanted: (name: string) => boolean): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => wanted(name)));
}
