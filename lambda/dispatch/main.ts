import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@aws-lambda-powertools/logger';
import { CodeBuildClient } from '@aws-sdk/client-codebuild';
import { ECRClient } from '@aws-sdk/client-ecr';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { listBuilds, startBuild } from './codebuild';
import { dispatch } from './dispatcher';
import type { Waiting } from './outcomes';
import { pauseSeconds } from './pause';
import { backlog, hideAll, sendAll } from './queue';
import type { Received } from './received';
import { DISPATCH_ENVIRONMENT } from '../../src/contract/environment';
import { parseMessage } from '../../src/contract/messages';
import { readEnvironment } from '../shared/environment';
import { asError } from '../shared/errors';
import { GitHubBudget } from '../shared/github-budget';
import { GitHubPackages, gitHubPackages } from '../shared/github-packages';
import { planPackage } from '../shared/inventory';
import { readSecret, secretName } from '../shared/secrets';

/** No request may hang: the function has five minutes, for all of them. */
const requestHandler = { connectionTimeout: 5_000, requestTimeout: 10_000, throwOnRequestTimeout: true };

const environment = readEnvironment(DISPATCH_ENVIRONMENT);
const sqs = new SQSClient({ requestHandler });
const ecr = new ECRClient({ requestHandler, maxAttempts: 6 });
const codebuild = new CodeBuildClient({ requestHandler });
const secretsManager = new SecretsManagerClient({ requestHandler });
const log = new Logger({ serviceName: 'dispatch' });

// What an instance remembers saves requests; nothing depends on it.
const budget = new GitHubBudget(() => Date.now());
const missing = new Set<string>();

/** Never throws: Lambda would hide the whole batch for the queue's visibility timeout. */
export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  log.addContext(context);
  const stay = await handleBatch(event.Records).catch((error: unknown) => everyRecord(event.Records, error));
  const waiting = event.Records.flatMap(record => {
    const wait = stay.get(record.messageId);
    return wait === undefined ? [] : [{ record, wait }];
  });
  for (const { record, wait: { error } } of waiting) {
    if (error) { log.error('Message failed.', { messageId: record.messageId, body: record.body, error }); }
  }
  await hide(waiting);
  return { batchItemFailures: waiting.map(({ record }) => ({ itemIdentifier: record.messageId })) };
}

async function handleBatch(records: readonly SQSRecord[]): Promise<ReadonlyMap<string, Waiting>> {
  const foreign = new Map<string, Waiting>();
  const batch: Received[] = [];
  for (const record of records) {
    try {
      batch.push(received(record));
    } catch (error) {
      foreign.set(record.messageId, { reason: { kind: 'foreign' }, error: asError(error) });
    }
  }
  return batch.length === 0 ? foreign : new Map([...foreign, ...await dispatchBatch(batch)]);
}

async function dispatchBatch(batch: readonly Received[]): Promise<ReadonlyMap<string, Waiting>> {
  const github = await openGitHub();
  const { PROJECT_NAME, QUEUE_URL, REPOSITORY_PREFIX } = environment;
  return dispatch(batch, {
    project: PROJECT_NAME,
    listPackages: () => github.listPackages(),
    planPackage: (name, announced, signal) => planPackage(
      name,
      { github, ecr, prefix: REPOSITORY_PREFIX },
      announced,
      signal,
    ),
    budget,
    refreshBudget: async () => {
      const window = await github.rateLimit();
      if (window) { budget.report(window); } else { budget.unlimited(); }
    },
    send: messages => sendAll(sqs, QUEUE_URL, messages),
    backlog: () => backlog(sqs, QUEUE_URL),
    listBuilds: () => listBuilds(codebuild, PROJECT_NAME),
    startBuild: (request, known) => startBuild(codebuild, PROJECT_NAME, request, known),
    missing,
    sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
    now: () => Date.now(),
    random: Math.random,
    log,
  });
}

/** The token is read anew for every batch: a renewed one works at once, and an idle function holds none. */
async function openGitHub(): Promise<GitHubPackages> {
  return gitHubPackages({
    apiUrl: environment.GITHUB_API_URL,
    organization: environment.ORGANIZATION,
    token: await readSecret(secretsManager, environment.PACKAGES_TOKEN_ARN),
    tokenName: secretName(environment.PACKAGES_TOKEN_ARN),
    // Waits are the queue's: the function's own time is bounded.
    maxWaitSeconds: 2,
    timeoutMs: 10_000,
    warn: message => log.warn(message),
    onAnswer: headers => budget.observe(headers),
  });
}

/**
 * What stops the batch as a whole, such as an unreadable token, fails each of its messages, so
 * that each is tried again soon.
 */
function everyRecord(records: readonly SQSRecord[], error: unknown): ReadonlyMap<string, Waiting> {
  const failure: Waiting = { reason: { kind: 'retry' }, error: asError(error) };
  return new Map(records.map(({ messageId }) => [messageId, failure]));
}

/** Makes messages visible again after their pauses, not after the long visibility timeout of the whole batch. */
async function hide(waiting: readonly { readonly record: SQSRecord; readonly wait: Waiting }[]): Promise<void> {
  const hidden = waiting.map(({ record, wait: { reason } }) => ({
    receiptHandle: record.receiptHandle, seconds: pauseSeconds(reason, receiveCount(record), Date.now(), Math.random()),
  }));
  try {
    await hideAll(sqs, environment.QUEUE_URL, hidden);
  } catch (error) {
    log.warn('A pause could not be set: the message comes back after the queue\'s visibility timeout.', {
      error: asError(error),
    });
  }
}

function received(record: SQSRecord): Received {
  return {
    id: record.messageId,
    message: parseMessage(record.body),
    receiveCount: receiveCount(record),
    sentAt: Number(record.attributes.SentTimestamp),
  };
}

function receiveCount(record: SQSRecord): number {
  return Number(record.attributes.ApproximateReceiveCount);
}
