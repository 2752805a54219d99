import { ChangeMessageVisibilityCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import pLimit from 'p-limit';
import type { PackageMessage } from '../../src/contract/messages';

/** SQS takes no more entries in one request. */
const BATCH = 10;

/** Seconds before a failed message is tried again: 10 s, doubled at each receive, at most 15 minutes. */
export function retryDelay(receiveCount: number): number {
  return Math.min(10 * 2 ** (Math.max(1, receiveCount) - 1), 900);
}

/** Requests to the queue at the same time. */
const CONCURRENT_BATCHES = 10;

/** Sends every message; a refusal of some of them is a failure. */
export async function sendAll(sqs: SQSClient, queueUrl: string, messages: readonly PackageMessage[]): Promise<void> {
  const limit = pLimit(CONCURRENT_BATCHES);
  const batches = Array.from({ length: Math.ceil(messages.length / BATCH) }, (_, index) => messages.slice(index * BATCH, (index + 1) * BATCH));
  await Promise.all(batches.map(batch => limit(() => sendBatch(sqs, queueUrl, batch))));
}

async function sendBatch(sqs: SQSClient, queueUrl: string, batch: readonly PackageMessage[]): Promise<void> {
  const entries = batch.map((message, index) => ({ Id: String(index), MessageBody: JSON.stringify(message) }));
  const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: entries }));
  if (Failed.length > 0) {
    throw new Error(`The queue refused ${Failed.length} of ${entries.length} messages: ${Failed[0].Code} ${Failed[0].Message ?? ''}`);
  }
}

/** Makes a failed message visible again after its retry delay, not after the long visibility timeout of the whole batch. */
export async function retrySoon(sqs: SQSClient, queueUrl: string, receiptHandle: string, receiveCount: number): Promise<void> {
  await sqs.send(new ChangeMessageVisibilityCommand({
    QueueUrl: queueUrl, ReceiptHandle: receiptHandle, VisibilityTimeout: retryDelay(receiveCount),
  }));
}
