import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@aws-lambda-powertools/logger';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { CdkCustomResourceEvent, CdkCustomResourceResponse, Context } from 'aws-lambda';
import { organizationHooks } from './hooks';
import { parseHookProperties } from './properties';
import { create, Registration, RegistrarDependencies, remove, repair, update } from './registrar';
import { HOOK_ATTRIBUTES, ORGANIZATION_MESSAGE, REGISTRATION_ENVIRONMENT, RepairRequest } from '../../src/domain/contract';
import { readEnvironment } from '../shared/environment';
import { readSecret, secretName } from '../shared/secrets';

const environment = readEnvironment(REGISTRATION_ENVIRONMENT);
const secretsManager = new SecretsManagerClient({});
const sqs = new SQSClient({});
const log = new Logger({ serviceName: 'registration' });

const dependencies: RegistrarDependencies = {
  tokenName: environment.WEBHOOK_TOKEN_ARN === '' ? undefined : secretName(environment.WEBHOOK_TOKEN_ARN),
  hooks: async ({ organization, githubApiUrl }) => organizationHooks(organization, {
    apiUrl: githubApiUrl,
    token: await readSecret(secretsManager, environment.WEBHOOK_TOKEN_ARN),
    maxWaitSeconds: 60,
    warn: message => log.warn(message),
  }),
  secret: () => readSecret(secretsManager, environment.WEBHOOK_SECRET_ARN),
  requestSync: () => sqs.send(new SendMessageCommand({ QueueUrl: environment.QUEUE_URL, MessageBody: JSON.stringify(ORGANIZATION_MESSAGE) })),
  now: () => Date.now(),
  sleep,
  log,
};

/** Called by CDK's provider framework for the custom resource, and by the daily schedule. Never logs the event: it holds a ResponseURL. */
export async function handler(event: CdkCustomResourceEvent | RepairRequest, context: Context): Promise<CdkCustomResourceResponse | void> {
  log.addContext(context);
  if ('kind' in event) { return repair(parseHookProperties({ ...event.hook }), dependencies); }
  switch (event.RequestType) {
    case 'Create':
      return response(await create(parseHookProperties(event.ResourceProperties), dependencies));
    case 'Update':
      return response(await update(
        event.PhysicalResourceId, parseHookProperties(event.ResourceProperties), parseHookProperties(event.OldResourceProperties), dependencies,
      ));
    case 'Delete':
      await remove(event.PhysicalResourceId, () => parseHookProperties(event.ResourceProperties), dependencies);
      return { PhysicalResourceId: event.PhysicalResourceId };
  }
}

function response({ physicalId, hookId, reached }: Registration): CdkCustomResourceResponse {
  return { PhysicalResourceId: physicalId, Data: { [HOOK_ATTRIBUTES.hookId]: hookId, [HOOK_ATTRIBUTES.reached]: reached } };
}
