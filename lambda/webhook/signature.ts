import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Whether X-Hub-Signature-256 is the HMAC of these bytes under one of the secrets.
 *
 * `verify` of `@octokit/webhooks-methods` takes the body as a string. A byte that is no UTF-8 becomes U+FFFD there, so
 * that a genuine signature over such a body is refused, and a body in which such a byte was changed matches another
 * one's signature. GitHub signs bytes:
 * https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 */
export function isSigned(body: Buffer, signature: string, secrets: readonly string[]): boolean {
  const given = parseSignature(signature);
  return given !== undefined && secrets.some(secret => secret !== ''
    && timingSafeEqual(given, createHmac('sha256', secret).update(body).digest()));
}

/** Whether a text has the form of a signature. Noise has not, and is refused before any secret is read for it. */
export function isSignature(text: string): boolean {
  return parseSignature(text) !== undefined;
}

function parseSignature(text: string): Buffer | undefined {
  const [, hex] = /^sha256=([0-9a-f]{64})$/.exec(text) ?? [];
  return hex === undefined ? undefined : Buffer.from(hex, 'hex');
}
