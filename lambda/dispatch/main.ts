import { setTimeout as sleep } from 'node:timers/promises';
import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import { Logger } from '@aws-lambda-powertools/logger';
import { CodeBuildClient } from '@aws-sdk/client-codebuild';
import { ECRClient } from '@aws-sdk/client-ecr';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { startBuild } from './codebuild';
import { dispatch, Failures, Received } from './dispatcher';
import { retrySoon, sendAll } from './queue';
import { DISPATCH_ENVIRONMENT } from '../../src/contract/environment';
import { parseMessage } from '../../src/contract/messages';
import { readEnvironment } from '../shared/environment';
import { asError } from '../shared/errors';
import { gitHubPackages } from '../shared/github-packages';
import { planPackage } from '../shared/inventory';
import { readSecret, secretName } from '../shared/secrets';

const environment = readEnvironment(DISPATCH_ENVIRONMENT);
const sqs = new SQSClient({});
const ecr = new ECRClient({ maxAttempts: 6 });
const codebuild = new CodeBuildClient({});
const secretsManager = new SecretsManagerClient({});
const log = new Logger({ serviceName: 'dispatch' });

export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  log.addContext(context);
  const failures = await handleBatch(event.Records).catch((error: unknown) => everyRecord(event.Records, error));
  const byId = new Map(event.Records.map(record => [record.messageId, record]));
  for (const [id, error] of failures) {
    log.error('Message failed.', { messageId: id, body: byId.get(id)?.body, error });
  }
  return processPartialResponse(event, (record: SQSRecord) => finish(record, failures), new BatchProcessor(EventType.SQS), {
    throwOnFullBatchFailure: false,
  });
}

async function handleBatch(records: readonly SQSRecord[]): Promise<Failures> {
  const failures: Failures = new Map();
  const batch: Received[] = [];
  for (const record of records) {
    try {
      batch.push({ id: record.messageId, message: parseMessage(record.body), receiveCount: receiveCount(record) });
    } catch (error) {
      failures.set(record.messageId, asError(error));
    }
  }
  // Read anew for every batch: a renewed token works at once, and an idle function holds none.
  const github = gitHubPackages({
    apiUrl: environment.GITHUB_API_URL,
    organization: environment.ORGANIZATION,
    token: await readSecret(secretsManager, environment.PACKAGES_TOKEN_ARN),
    tokenName: secretName(environment.PACKAGES_TOKEN_ARN),
    // Waits that take longer are the queue's: the function's own time is bounded.
    maxWaitSeconds: 30,
    warn: message => log.warn(message),
  });
  const dispatched = await dispatch(batch, {
    project: environment.PROJECT_NAME,
    listPackages: () => github.listPackages(),
    planPackage: (name, announced) => planPackage(name, { github, ecr, prefix: environment.REPOSITORY_PREFIX }, announced),
    send: messages => sendAll(sqs, environment.QUEUE_URL, messages),
    startBuild: request => startBuild(codebuild, environment.PROJECT_NAME, request),
    sleep,
    now: () => Date.now(),
    log,
  });
  return new Map([...failures, ...dispatched]);
}

/** What stops the batch as a whole, such as an unreadable token, fails each of its messages, so that each is tried again soon. */
function everyRecord(records: readonly SQSRecord[], error: unknown): Failures {
  const failure = asError(error);
  return new Map(records.map(({ messageId }) => [messageId, failure]));
}

/** Tells Powertools how one record ended. */
async function finish(record: SQSRecord, failures: Failures): Promise<void> {
  const failure = failures.get(record.messageId);
  if (failure === undefined) { return; }
  await retrySoon(sqs, environment.QUEUE_URL, record.receiptHandle, receiveCount(record)).catch((error: unknown) => {
    log.warn('The retry delay could not be set: the message comes back after the queue\'s visibility timeout.', { messageId: record.messageId, error });
  });
  throw failure;
}

function receiveCount(record: SQSRecord): number {
  return Number(record.attributes.ApproximateReceiveCount);
}
