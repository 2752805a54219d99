import {
  BatchResultErrorEntry,
  ChangeMessageVisibilityBatchCommand,
  GetQueueAttributesCommand,
  SendMessageBatchCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import pLimit from 'p-limit';
import type { PackageMessage } from '../../src/contract/messages';
import { settleAll } from '../shared/settle-all';

/** SQS takes no more entries in one request. */
const BATCH = 10;

/** Requests to the queue at the same time. */
const CONCURRENT_BATCHES = 10;

/** A message that the queue hands out after a delay. */
export interface DelayedMessage {
  readonly message: PackageMessage;
  /** Seconds, up to 900. */
  readonly delay: number;
}

/** A message that stays in the queue. */
export interface Hidden {
  readonly receiptHandle: string;
  /** Seconds until it is handed out again. */
  readonly seconds: number;
}

/** Sends every message; a refusal of some of them is a failure. */
export async function sendAll(sqs: SQSClient, queueUrl: string, messages: readonly DelayedMessage[]): Promise<void> {
  await inBatches(messages, async (batch): Promise<void> => {
    const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({
      QueueUrl: queueUrl,
      Entries: batch.map(({ message, delay }, index) => ({
        Id: String(index),
        MessageBody: JSON.stringify(message),
        DelaySeconds: delay,
      })),
    }));
    requireAll(Failed, batch.length, 'messages');
  });
}

/** Hides messages for their pauses. */
export async function hideAll(sqs: SQSClient, queueUrl: string, hidden: readonly Hidden[]): Promise<void> {
  await inBatches(hidden, async (batch): Promise<void> => {
    const { Failed = [] } = await sqs.send(new ChangeMessageVisibilityBatchCommand({
      QueueUrl: queueUrl,
      Entries: batch.map(({ receiptHandle, seconds }, index) => ({
        Id: String(index),
        ReceiptHandle: receiptHandle,
        VisibilityTimeout: seconds,
      })),
    }));
    requireAll(Failed, batch.length, 'pauses');
  });
}

/** How many messages wait in the queue, about: to be handed out, or for another look. */
export async function backlog(sqs: SQSClient, queueUrl: string): Promise<number> {
  const { Attributes = {} } = await sqs.send(new GetQueueAttributesCommand({
    QueueUrl: queueUrl,
    AttributeNames: [
      'ApproximateNumberOfMessages',
      'ApproximateNumberOfMessagesNotVisible',
      'ApproximateNumberOfMessagesDelayed',
    ],
  }));
  return Object.values(Attributes).reduce((sum, count) => sum + Number(count), 0);
}

async function inBatches<T>(all: readonly T[], run: (batch: readonly T[]) => Promise<void>): Promise<void> {
  const limit = pLimit(CONCURRENT_BATCHES);
  const batches = Array.from({ length: Math.ceil(all.length / BATCH) }, (_, index) => all.slice(
    index * BATCH,
    (index + 1) * BATCH,
  ));
  await settleAll(batches.map(batch => limit(() => run(batch))));
}

function requireAll(failed: readonly BatchResultErrorEntry[], count: number, what: string): void {
  if (failed.length === 0) { return; }
  throw new Error(`The queue refused ${failed.length} of ${count} ${what}: `
    + `${failed[0].Code} ${failed[0].Message ?? ''}`);
}
