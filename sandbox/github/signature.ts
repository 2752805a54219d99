import { createHmac } from 'node:crypto';

/**
 * Headers that prove a body to who knows the secret; none without a secret.
 * https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
 */
export function signatureHeaders(secret: string | undefined, body: Buffer): Record<string, string> {
  if (secret === undefined || secret === '') { return {}; }
  return {
    'X-Hub-Signature': `sha1=${createHmac('sha1', secret).update(body).digest('hex')}`,
    'X-Hub-Signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  };
}
