import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@aws-lambda-powertools/logger';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { CdkCustomResourceEvent, CdkCustomResourceResponse, Context } from 'aws-lambda';
import type { RegistrarDependencies } from './dependencies';
import { organizationHooks } from './hooks';
import { ownHook } from './own-hook';
import { parseFormerHook, parseRegistrationProperties } from './properties';
import { redeliverFailed } from './redelivery';
import { create, Registration, update } from './registrar';
import { remove } from './removal';
import { repair } from './repair';
import { REGISTRATION_ENVIRONMENT } from '../../src/contract/environment';
import { HOOK_ATTRIBUTES, ScheduledRequest } from '../../src/contract/hook';
import { ORGANIZATION_MESSAGE } from '../../src/contract/messages';
import { readEnvironment } from '../shared/environment';
import { isObject } from '../shared/is-object';
import { readSecret, secretName } from '../shared/secrets';
import { shown } from '../shared/shown';

const environment = readEnvironment(REGISTRATION_ENVIRONMENT);
const secretsManager = new SecretsManagerClient({});
const sqs = new SQSClient({});
const log = new Logger({ serviceName: 'registration' });

const CALLERS = 'Only the mirror\'s own schedules and its custom resource should invoke this function.';

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
    own: ownHook(environment),
    region: process.env.AWS_REGION ?? '',
    tokenName: environment.WEBHOOK_TOKEN_ARN === '' ? undefined : secretName(environment.WEBHOOK_TOKEN_ARN),
    hooks: async (organization, signal) => organizationHooks(organization, {
      apiUrl: environment.GITHUB_API_URL,
      token: await read(environment.WEBHOOK_TOKEN_ARN),
      maxWaitSeconds: 60,
      warn: message => log.warn(message),
    }, signal),
    secret: () => read(environment.WEBHOOK_SECRET_ARN),
    requestSync: () => sqs.send(
      new SendMessageCommand({ QueueUrl: environment.QUEUE_URL, MessageBody: JSON.stringify(ORGANIZATION_MESSAGE) }),
    ),
    remainingMs: () => getRemainingTimeInMillis(),
    now: () => Date.now(),
    sleep,
    log,
  };
}

/**
 * Called by CDK's provider framework for the custom resource, and by two schedules. Where requests go, and about
 * which hook, is the environment's to say: an event may come from anybody who may invoke the function. Never logs the
 * event: it holds a ResponseURL.
 */
export async function handler(
  event: CdkCustomResourceEvent | ScheduledRequest,
  context: Context,
): Promise<CdkCustomResourceResponse | void> {
  log.addContext(context);
  if (!isObject(event)) { throw new Error(`The event is ${shown(event)}, expected an object. ${CALLERS}`); }
  const using = dependencies(context);
  return 'kind' in event ? scheduled(event.kind, using) : customResource(event, using);
}

async function scheduled(kind: ScheduledRequest['kind'], using: RegistrarDependencies): Promise<void> {
  switch (kind) {
    case 'repair': return repair(using);
    case 'redelivery': return redeliverFailed(using);
    default: throw new Error(`The request's kind is ${shown(kind)}, expected "repair" or "redelivery". ${CALLERS}`);
  }
}

async function customResource(
  event: CdkCustomResourceEvent,
  using: RegistrarDependencies,
): Promise<CdkCustomResourceResponse> {
  const { ResourceProperties: given } = event;
  const properties = propertiesIn(given);
  const id = identityIn(event);
  switch (event.RequestType) {
    case 'Create':
      return response(await create(parseRegistrationProperties(properties), using));
    case 'Update':
      return response(await update(
        id,
        parseRegistrationProperties(properties),
        parseRegistrationProperties(propertiesIn(event.OldResourceProperties)),
        using,
      ));
    case 'Delete':
      await remove(id, parseFormerHook(properties), using);
      return { PhysicalResourceId: id };
  }
}

/** A forged event has any shape. Without properties, ours are missing, and the error says so. */
function propertiesIn(given: unknown): Readonly<Record<string, unknown>> {
  return isObject(given) ? given : {};
}

/** Empty in a Create, which has none, and for what is no text. An empty identity names no hook. */
function identityIn(event: object): string {
  return 'PhysicalResourceId' in event && typeof event.PhysicalResourceId === 'string' ? event.PhysicalResourceId : '';
}

function response({ physicalId, hookId, reached }: Registration): CdkCustomResourceResponse {
  return {
    PhysicalResourceId: physicalId,
    Data: { [HOOK_ATTRIBUTES.hookId]: hookId, [HOOK_ATTRIBUTES.reached]: reached },
  };
}
