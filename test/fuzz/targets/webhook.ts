import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { handleDelivery } from '../../../lambda/webhook/handler';
import { SigningSecrets } from '../../../lambda/webhook/signing-secrets';
import { RecordingLog } from '../../unit/shared/recording-log';
import { DELIVERIES } from '../inputs/deliveries';
import { mutated } from '../inputs/json';
import { hostileText, jumbled } from '../inputs/text';
import { Finding, FuzzTarget, isOneLine, require } from '../target';

const SECRET = 'signing-5Ecr3tV4lue';
const STATUSES = [200, 202, 400, 401, 415, 503];

type Signed = 'right' | 'other secret' | 'other bytes' | 'upper case' | 'shortened' | 'text' | 'none';

interface Delivery {
  readonly signed: Signed;
  readonly payload: Uint8Array;
  readonly base64: boolean;
  readonly event: string;
  readonly names: 'lower' | 'mixed';
  readonly contentType: string;
  readonly text: string;
  readonly others: Readonly<Record<string, string>>;
  readonly queue: boolean;
}

const headerName = fc.oneof(
  hostileText,
  fc.constantFrom('Content-Type', 'X-GitHub-Delivery', 'x-hub-signature', 'X-Hub-Signature-256', 'X-GitHub-Event'),
);

export function webhook(): FuzzTarget<Delivery> {
  return {
    name: 'webhook',
    share: 75,
    input: fc.record({
      signed: fc.constantFrom<Signed>(
        'right',
        'right',
        'right',
        'other secret',
        'other bytes',
        'upper case',
        'shortened',
        'text',
        'none',
      ),
      payload: fc.oneof(
        { weight: 9, arbitrary: mutated(DELIVERIES) },
        { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
      ),
      base64: fc.boolean(),
      event: fc.oneof(
        { weight: 5, arbitrary: fc.constantFrom('package', 'registry_package', 'ping') },
        { weight: 1, arbitrary: hostileText },
      ),
      names: fc.constantFrom('lower', 'mixed'),
      contentType: fc.oneof(
        fc.constantFrom('application/json', 'application/x-www-form-urlencoded', 'Application/JSON; charset=utf-8'),
        hostileText,
      ),
      text: jumbled('sha256=', 'a'.repeat(64), 'sha1=', ' ', ',', '=', '0'),
      others: fc.dictionary(headerName, hostileText, { maxKeys: 3 }),
      queue: fc.integer({ min: 0, max: 9 }).map(n => n > 0),
    }),
    check,
    mustSee: ['200', '202', '202 enqueued', '400', '401', '415', '503'],
    timed: false,
  };
}

async function check(delivery: Delivery): Promise<string> {
  const log = new RecordingLog();
  const sent: unknown[] = [];
  const body = delivered(delivery);
  const headers = headersOf(delivery, body.bytes);
  const answer = await handleDelivery(
    { headers, body: body.text, isBase64Encoded: delivery.base64 },
    {
      organization: 'My-Org',
      secrets: new SigningSecrets(
        () => Promise.resolve({ secrets: [{ value: SECRET }], unreadable: [] }),
        () => 0,
        log,
      ),
      send: message =>
        delivery.queue ? Promise.resolve(sent.push(message)) : Promise.reject(new Error('the queue is full')),
      log,
    },
  ).catch((error: unknown) => {
    throw new Finding(`threw ${String(error)}`);
  });
  // As the handler does, the last of several headers whose names differ in case counts.
  const [signature] = Object.entries(headers)
    .filter(([name]) => name.toLowerCase() === 'x-hub-signature-256')
    .map(([, value]) => value)
    .reverse();
  const genuine = signature === sign(SECRET, body.bytes);
  require(sent.length === 0 || genuine, () => 'a delivery without a right signature was enqueued');
  require(genuine || [401, 503].includes(answer.statusCode ?? 0), () =>
    `${answer.statusCode} without a right signature`);
  requireAnswer(answer.statusCode, answer.body ?? '');
  requireLog(log);
  return `${answer.statusCode}${sent.length > 0 ? ' enqueued' : ''}`;
}

/** API Gateway hands over a string: bytes that are no UTF-8 arrive as base64, or changed. */
function delivered({ payload, base64 }: Delivery): { readonly text: string; readonly bytes: Buffer } {
  if (base64) {
    return { text: Buffer.from(payload).toString('base64'), bytes: Buffer.from(payload) };
  }
  const text = Buffer.from(payload).toString('utf8');
  return { text, bytes: Buffer.from(text, 'utf8') };
}

function headersOf(
  { signed, event, names, contentType, text, others }: Delivery,
  bytes: Buffer,
): Record<string, string> {
  const signature = signatureOf(signed, bytes, text);
  const named = (name: string): string => (names === 'lower' ? name.toLowerCase() : name);
  return {
    ...others,
    [named('Content-Type')]: contentType,
    [named('X-GitHub-Event')]: event,
    ...(signature === undefined ? {} : { [named('X-Hub-Signature-256')]: signature }),
  };
}

function signatureOf(signed: Signed, bytes: Buffer, text: string): string | undefined {
  switch (signed) {
    case 'right':
      return sign(SECRET, bytes);
    case 'other secret':
      return sign('another', bytes);
    case 'other bytes':
      return sign(SECRET, Buffer.concat([bytes, Buffer.from(' ')]));
    case 'upper case':
      return sign(SECRET, bytes).toUpperCase();
    case 'shortened':
      return sign(SECRET, bytes).slice(0, -1);
    case 'text':
      return text;
    case 'none':
      return undefined;
  }
}

function sign(secret: string, bytes: Buffer): string {
  return `sha256=${createHmac('sha256', secret).update(bytes).digest('hex')}`;
}

function requireAnswer(status: number | undefined, body: string): void {
  require(STATUSES.includes(status ?? 0), () => `status ${status}`);
  const { message } = JSON.parse(body) as { message: unknown };
  require(typeof message === 'string' && isOneLine(message) && message.length < 1_000, () =>
    `the answer is no short line: ${body.slice(0, 300)}`);
  require(!body.includes(SECRET), () => 'the answer holds the secret');
}

/** The logger writes JSON, which escapes control characters but for the two separators of Unicode. */
function requireLog(log: RecordingLog): void {
  require(log.lines.length >= 1 && log.lines.every(({ message }) => isOneLine(message)), () =>
    `a message of several lines: ${log.text.slice(0, 500)}`);
  require(!log.text.includes(SECRET), () => 'the log holds the secret');
}
