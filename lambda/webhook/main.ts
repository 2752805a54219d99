import { Logger } from '@aws-lambda-powertools/logger';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { handleDelivery } from './handler';
import { SigningSecrets } from './signing-secrets';
import { WEBHOOK_ENVIRONMENT } from '../../src/contract/environment';
import { readEnvironment } from '../shared/environment';
import { readStages } from '../shared/secrets';

/**
 * GitHub waits 10 seconds for the answer: a Secrets Manager that hangs must leave time for
 * the secret that was read before.
 */
const READ_TIMEOUT_MS = 3_000;

const environment = readEnvironment(WEBHOOK_ENVIRONMENT);
const sqs = new SQSClient({});
const secretsManager = new SecretsManagerClient({});
const log = new Logger({ serviceName: 'webhook' });
const secrets = new SigningSecrets(
  () => readStages(secretsManager, environment.WEBHOOK_SECRET_ARN, AbortSignal.timeout(READ_TIMEOUT_MS)),
  () => Date.now(),
  log,
);

export async function handler(
  event: APIGatewayProxyEventV2,
  context: Context,
): Promise<APIGatewayProxyStructuredResultV2> {
  log.addContext(context);
  return handleDelivery(event, {
    organization: environment.ORGANIZATION,
    secrets,
    send: message => sqs.send(
      new SendMessageCommand({ QueueUrl: environment.QUEUE_URL, MessageBody: JSON.stringify(message) }),
    ),
    log,
  });
}
