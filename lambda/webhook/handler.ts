import type { Logger } from '@aws-lambda-powertools/logger';
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { deliveryId, DeliveryRequest, eventName, Headers, lowerCased, parseJson, rawBody } from './request';
import { isSignature, isSigned } from './signature';
import type { SigningSecrets } from './signing-secrets';
import type { PackageMessage } from '../../src/contract/messages';
import { parsePackageEvent } from '../shared/package-event';

export interface WebhookDependencies {
  readonly organization: string;
  readonly secrets: SigningSecrets;
  readonly send: (message: PackageMessage) => Promise<unknown>;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** Answer to a delivery; GitHub shows the body to the hook's owner. */
interface Answer {
  readonly status: number;
  readonly message: string;
  readonly detail?: Record<string, string | undefined>;
}

/** Answers one delivery: verify, then parse, then enqueue. */
export async function handleDelivery(
  request: DeliveryRequest,
  dependencies: WebhookDependencies,
): Promise<APIGatewayProxyStructuredResultV2> {
  const headers = lowerCased(request.headers);
  const answer = await decide(headers, rawBody(request), dependencies);
  const line = { status: answer.status, delivery: deliveryId(headers), event: eventName(headers), ...answer.detail };
  dependencies.log[answer.status >= 500 ? 'error' : answer.status >= 400 ? 'warn' : 'info'](answer.message, line);
  return {
    statusCode: answer.status,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message: answer.message }),
  };
}

async function decide(headers: Headers, body: Buffer, dependencies: WebhookDependencies): Promise<Answer> {
  const refusal = await verify(headers, body, dependencies.secrets);
  if (refusal) { return refusal; }
  if ((headers['content-type'] ?? '').toLowerCase().startsWith('application/x-www-form-urlencoded')) {
    return {
      status: 415,
      message: 'Content type application/x-www-form-urlencoded is not supported: in the webhook\'s settings, '
        + 'set "Content type" to application/json.',
    };
  }
  const event = eventName(headers);
  if (event === undefined) {
    return {
      status: 400,
      message: 'Header X-GitHub-Event is missing, or names no event: GitHub sends it with every delivery.',
    };
  }
  if (event === 'ping') { return { status: 200, message: 'pong' }; }
  const payload = parseJson(body);
  if (payload === undefined) { return { status: 400, message: 'The body is not JSON in UTF-8.' }; }
  return enqueue(event, payload, deliveryId(headers), dependencies);
}

async function verify(headers: Headers, body: Buffer, secrets: SigningSecrets): Promise<Answer | undefined> {
  const signature = headers['x-hub-signature-256'];
  if (!signature) {
    return {
      status: 401,
      message: 'Header X-Hub-Signature-256 is missing: give the webhook the mirror\'s secret in its settings.',
    };
  }
  // Cheap refusal of noise: nothing that can't be a signature makes us read the secret.
  try {
    const genuine = body.length > 0 && isSignature(signature) && await isGenuine(signature, body, secrets);
    return genuine
      ? undefined
      : {
        status: 401,
        message: 'X-Hub-Signature-256 does not match the body: the webhook\'s secret in GitHub '
          + 'differs from the mirror\'s.',
      };
  } catch (error) {
    return {
      status: 503,
      message: 'The webhook secret could not be read: redeliver later.',
      detail: { cause: String(error) },
    };
  }
}

async function isGenuine(signature: string, body: Buffer, secrets: SigningSecrets): Promise<boolean> {
  return isSigned(body, signature, await secrets.cached()) || isSigned(body, signature, await secrets.newer());
}

async function enqueue(
  name: string,
  payload: unknown,
  delivery: string | undefined,
  dependencies: WebhookDependencies,
): Promise<Answer> {
  const event = parsePackageEvent(name, payload, dependencies.organization);
  if (event.kind === 'malformed') { return { status: 400, message: `Malformed "${name}" event: ${event.reason}.` }; }
  if (event.kind === 'ignored') { return { status: 202, message: `Ignored: ${event.reason}.` }; }
  const { kind: _, ...detail } = event;
  try {
    await dependencies.send({ kind: 'package', package: event.package, digest: event.digest, delivery });
  } catch (error) {
    return {
      status: 503,
      message: 'The queue refused the message: redeliver later.',
      detail: { ...detail, cause: String(error) },
    };
  }
  return { status: 202, message: 'Accepted.', detail };
}
