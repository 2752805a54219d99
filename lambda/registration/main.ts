import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@aws-lambda-powertools/logger';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { CdkCustomResourceEvent, CdkCustomResourceResponse, Context } from 'aws-lambda';
import { organizationHooks } from './hooks';
import { parseHookProperties, parseRegistrationProperties } from './properties';
import { create, Registration, RegistrarDependencies, remove, repair, update } from './registrar';
import { REGISTRATION_ENVIRONMENT } from '../../src/contract/environment';
import { HOOK_ATTRIBUTES, RepairRequest } from '../../src/contract/hook';
import { ORGANIZATION_MESSAGE } from '../../src/contract/messages';
import { readEnvironment } from '../shared/environment';
import { readSecret, secretName } from '../shared/secrets';

const environment = readEnvironment(REGISTRATION_ENVIRONMENT);
const secretsManager = new SecretsManagerClient({});
const sqs = new SQSClient({});
const log = new Logger({ serviceName: 'registration' });

/** Reads a secret, and names it when that fails: Secrets Manager's own words don't. */
async function read(arn: string): Promise<string> {
  try {
    return await readSecret(secretsManager, arn);
  } catch (error) {
    throw new Error(`Secret "${secretName(arn)}" could not be read: ${String(error)}`);
  }
}

function dependencies({ getRemainingTimeInMillis }: Pick<Context, 'getRemainingTimeInMillis'>): RegistrarDependencies {
  return {
    tokenName: environment.WEBHOOK_TOKEN_ARN === '' ? undefined : secretName(environment.WEBHOOK_TOKEN_ARN),
    hooks: async ({ organization, githubApiUrl }, signal) => organizationHooks(organization, {
      apiUrl: githubApiUrl,
      token: await read(environment.WEBHOOK_TOKEN_ARN),
      maxWaitSeconds: 60,
      warn: message => log.warn(message),
    }, signal),
    secret: () => read(environment.WEBHOOK_SECRET_ARN),
    requestSync: () => sqs.send(new SendMessageCommand({ QueueUrl: environment.QUEUE_URL, MessageBody: JSON.stringify(ORGANIZATION_MESSAGE) })),
    remainingMs: () => getRemainingTimeInMillis(),
    now: () => Date.now(),
    sleep,
    log,
  };
}

/** Called by CDK's provider framework for the custom resource, and by the daily schedule. Never logs the event: it holds a ResponseURL. */
export async function handler(event: CdkCustomResourceEvent | RepairRequest, context: Context): Promise<CdkCustomResourceResponse | void> {
  log.addContext(context);
  const using = dependencies(context);
  if ('kind' in event) { return repair(parseHookProperties({ ...event.hook }), event.hookId, using); }
  const { ResourceProperties: properties } = event;
  switch (event.RequestType) {
    case 'Create':
      return response(await create(parseRegistrationProperties(properties), using));
    case 'Update':
      return response(await update(
        event.PhysicalResourceId, parseRegistrationProperties(properties), parseRegistrationProperties(event.OldResourceProperties), using,
      ));
    case 'Delete':
      await remove(event.PhysicalResourceId, () => parseHookProperties(properties), using);
      return { PhysicalResourceId: event.PhysicalResourceId };
  }
}

function response({ physicalId, hookId, reached }: Registration): CdkCustomResourceResponse {
  return { PhysicalResourceId: physicalId, Data: { [HOOK_ATTRIBUTES.hookId]: hookId, [HOOK_ATTRIBUTES.reached]: reached } };
}
