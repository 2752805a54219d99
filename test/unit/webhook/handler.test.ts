import { createHmac } from 'node:crypto';
import { sign } from '@octokit/webhooks-methods';
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { StageReading } from '../../../lambda/shared/secrets';
import { handleDelivery, WebhookDependencies } from '../../../lambda/webhook/handler';
import { SigningSecrets } from '../../../lambda/webhook/signing-secrets';
import type { PackageMessage } from '../../../src/contract/messages';
import { FakeTime } from '../shared/fake-time';
import { RecordingLog } from '../shared/recording-log';
import { fixture, fixtureText } from '../shared/samples';

const SECRET = "It's a Secret to Everybody";
const INDEX = 'sha256:f02fe76d57378c2e4daefcd9dac2191dcd12504dacef84df34ea21a26233c907';

let log: RecordingLog;
let time: FakeTime;
let sent: PackageMessage[];
let stored: string[];
let reads: number;
beforeEach(() => {
  log = new RecordingLog();
  time = new FakeTime();
  sent = [];
  stored = [SECRET];
  reads = 0;
});

function dependencies(changes: Partial<WebhookDependencies> = {}): WebhookDependencies {
  const read = (): Promise<StageReading> => {
    reads++;
    return Promise.resolve({ secrets: stored.map(value => ({ value })), unreadable: [] });
  };
  return {
    organization: 'my-org',
    secrets: new SigningSecrets(read, () => time.now(), log),
    send: message => Promise.resolve(sent.push(message)),
    log,
    ...changes,
  };
}

interface Delivery {
  readonly body: string;
  readonly event?: string;
  readonly secret?: string;
  /** Override or, as undefined, remove. */
  readonly headers?: Record<string, string | undefined>;
  readonly base64?: boolean;
}

async function deliver(
  { body, event = 'package', secret = SECRET, headers, base64 = false }: Delivery,
  to = dependencies(),
): Promise<Answer> {
  const result = await handleDelivery({
    headers: {
      'content-type': 'application/json',
      'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
      'x-github-event': event,
      'x-hub-signature-256': body === '' ? '' : await sign(secret, body),
      ...headers,
    } as Record<string, string>,
    body: base64 ? Buffer.from(body).toString('base64') : body,
    isBase64Encoded: base64,
  }, to);
  return { status: result.statusCode, message: messageOf(result) };
}

interface Answer { readonly status: number | undefined; readonly message: string }

function messageOf({ body }: APIGatewayProxyStructuredResultV2): string {
  return (JSON.parse(body ?? '') as { message: string }).message;
}

function published(changes: object = {}): string {
  return JSON.stringify({
    action: 'published',
    package: { name: 'app', package_type: 'CONTAINER' },
    organization: { login: 'My-Org' },
    ...changes,
  });
}

describe('accepts with 202 and enqueues', () => {
  test.each([
    ['package', 'package-published-index', { package: 'app', digest: INDEX }],
    ['package', 'package-null-version', { package: 'app', digest: undefined }],
    ['package_v2', 'package-v2-create', { package: 'app', digest: INDEX }],
    ['registry_package', 'registry-package-published', {
      package: 'tools/builder', digest: 'sha256:97133731792d22ed9e8832dc4dd17144c9b8fc6914005f45600962cc0f08f414',
    }],
  ])('%s: %s', async (event, file, expected) => {
    expect(await deliver({ event, body: fixtureText(file) })).toEqual({ status: 202, message: 'Accepted.' });
    expect(sent).toEqual([{ kind: 'package', delivery: '72d3162e-cc78-11e3-81ab-4c9367dc0958', ...expected }]);
  });

  test('header names in any case', async () => {
    const body = published();
    const result = await handleDelivery({
      headers: {
        'X-GitHub-Event': 'package',
        'X-HUB-SIGNATURE-256': await sign(SECRET, body),
        'Content-Type': 'application/json',
      },
      body,
      isBase64Encoded: false,
    }, dependencies());
    expect(result.statusCode).toBe(202);
  });

  test('a body that API Gateway encoded', async () => {
    expect(await deliver({ body: fixtureText('package-published-index'), base64: true }))
      .toMatchObject({ status: 202 });
    expect(sent).toHaveLength(1);
  });

  test.each([[false], [true]])('characters of several bytes (base64: %p)', async base64 => {
    const body = published({ note: 'é 漢字 \u{1f680} \ufeff \u2028' });
    const signature = `sha256=${createHmac('sha256', SECRET).update(Buffer.from(body, 'utf8')).digest('hex')}`;
    expect(await deliver({ body, base64, headers: { 'x-hub-signature-256': signature } }))
      .toMatchObject({ status: 202 });
  });

  test('a body with white space that a parser would drop', async () => {
    expect(await deliver({ body: `\n ${published()}\r\n` })).toMatchObject({ status: 202 });
  });

  test('a content type with a character set', async () => {
    expect(await deliver({ body: published(), headers: { 'content-type': 'application/json; charset=utf-8' } }))
      .toMatchObject({ status: 202 });
  });

  test('a delivery without an id', async () => {
    expect(await deliver({ body: published(), headers: { 'x-github-delivery': undefined } }))
      .toMatchObject({ status: 202 });
  });

  test('a delivery signed with the older of two valid secrets', async () => {
    stored = ['new secret', SECRET];
    expect(await deliver({ body: published() })).toMatchObject({ status: 202 });
  });
});

describe('answers 202 and enqueues nothing for what does not concern the mirror', () => {
  test.each([
    ['another event', { event: 'push', body: published() }, 'event "push"'],
    ['an event named like a part of JavaScript', { event: 'constructor', body: published() }, 'event "constructor"'],
    ['another action', { body: published({ action: 'deleted' }) }, 'action "deleted"'],
    ['another package type', { body: fixtureText('package-npm') }, 'package type "npm"'],
    ['another organization', { body: published({ organization: { login: 'else' } }) }, 'organization "else"'],
  ])('%s', async (_, delivery, reason) => {
    expect(await deliver(delivery))
      .toEqual({ status: 202, message: expect.stringMatching(`^Ignored: .*${reason}`) as string });
    expect(sent).toEqual([]);
  });
});

test('answers 200 to a ping', async () => {
  expect(await deliver({ event: 'ping', body: fixtureText('ping-organization') }))
    .toEqual({ status: 200, message: 'pong' });
  expect(sent).toEqual([]);
});

describe('rejects with 401', () => {
  const body = published();
  const hex = createHmac('sha256', SECRET).update(body).digest('hex');
  const SHA1 = createHmac('sha1', SECRET).update(body).digest('hex');

  test.each<[string, Partial<Delivery>, RegExp]>([
    ['no signature', { headers: { 'x-hub-signature-256': undefined } }, /X-Hub-Signature-256 is missing/],
    ['an empty signature', { headers: { 'x-hub-signature-256': '' } }, /X-Hub-Signature-256 is missing/],
    ['the older header alone', { headers: { 'x-hub-signature-256': undefined, 'x-hub-signature': `sha1=${SHA1}` } }, /is missing/],
    ['another secret', { secret: 'guess' }, /does not match/],
    ['a changed body', { body: body.replace('app', 'evil'), headers: { 'x-hub-signature-256': `sha256=${hex}` } }, /does not match/],
    ['one digit less', { headers: { 'x-hub-signature-256': `sha256=${hex.slice(1)}` } }, /does not match/],
    ['one digit more', { headers: { 'x-hub-signature-256': `sha256=${hex}0` } }, /does not match/],
    ['no prefix', { headers: { 'x-hub-signature-256': hex } }, /does not match/],
    ['another algorithm', { headers: { 'x-hub-signature-256': `sha1=${SHA1}` } }, /does not match/],
    ['two signatures joined, as API Gateway joins repeated headers', { headers: { 'x-hub-signature-256': `sha256=${hex},sha256=${hex}` } }, /does not match/],
    ['an empty body', { body: '', headers: { 'x-hub-signature-256': `sha256=${createHmac('sha256', SECRET).update('').digest('hex')}` } }, /does not match/],
    ['a ping that is not signed', { event: 'ping', headers: { 'x-hub-signature-256': undefined } }, /is missing/],
    ['a form that is not signed', { headers: { 'x-hub-signature-256': undefined, 'content-type': 'application/x-www-form-urlencoded' } }, /is missing/],
    ['what is not even JSON', { body: '{', secret: 'guess' }, /does not match/],
  ])('%s', async (_, delivery, message) => {
    expect(await deliver({ body, ...delivery }))
      .toEqual({ status: 401, message: expect.stringMatching(message) as string });
    expect(sent).toEqual([]);
  });

  test('the text of a base64 body signed as it stands, which is not what GitHub signs', async () => {
    const encoded = Buffer.from(body).toString('base64');
    expect(await deliver({ body, base64: true, headers: { 'x-hub-signature-256': await sign(SECRET, encoded) } }))
      .toMatchObject({ status: 401 });
  });

  test('everything when there is no secret', async () => {
    stored = [];
    expect(await deliver({ body })).toMatchObject({ status: 401 });
  });

  test('noise without reading the secret', async () => {
    await deliver({ body, headers: { 'x-hub-signature-256': 'sha256=nonsense' } });
    expect(reads).toBe(0);
  });
});

describe("GitHub's documented signature", () => {
  // https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
  const headers = { 'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17' };

  test('is genuine, so that only the body is at fault', async () => {
    expect(await deliver({ body: 'Hello, World!', headers }))
      .toEqual({ status: 400, message: 'The body is not JSON in UTF-8.' });
  });

  test('rejects another body', async () => {
    expect(await deliver({ body: 'Hello, World?', headers })).toMatchObject({ status: 401 });
  });
});

describe('rejects what is signed but malformed with 400', () => {
  test.each<[string, Partial<Delivery>, RegExp]>([
    ['no JSON', { body: '{"action":' }, /not JSON/],
    ['JSON null', { body: 'null' }, /Malformed "package" event: body is not a JSON object/],
    ['no package', { body: '{"action":"published"}' }, /Malformed "package" event: neither "package" nor/],
    ['no organization', { body: published({ organization: undefined }) }, /Malformed "package" event: no organization/],
    ['no name', { body: published({ package: {} }) }, /Malformed "package" event: the package has no "name"/],
    ['no event', { headers: { 'x-github-event': undefined } }, /X-GitHub-Event is missing/],
    ['an event that is no name', { headers: { 'x-github-event': 'push\\n{"level":"INFO"}' } }, /names no event/],
  ])('%s', async (_, delivery, message) => {
    expect(await deliver({ body: published(), ...delivery }))
      .toEqual({ status: 400, message: expect.stringMatching(message) as string });
    expect(sent).toEqual([]);
  });
});

describe('rejects a form with 415 and tells the setting', () => {
  test.each([
    'application/x-www-form-urlencoded',
    'application/x-www-form-urlencoded; charset=utf-8',
    'Application/X-WWW-Form-URLencoded',
  ])('%s', async type => {
    const body = `payload=${encodeURIComponent(published())}`;
    expect(await deliver({ body, headers: { 'content-type': type } })).toEqual({
      status: 415, message: expect.stringMatching(/set "Content type" to application\/json/) as string,
    });
  });

  test('even a ping, which is when a person looks', async () => {
    const body = `payload=${encodeURIComponent(fixtureText('ping-organization'))}`;
    expect(await deliver({ event: 'ping', body, headers: { 'content-type': 'application/x-www-form-urlencoded' } }))
      .toMatchObject({ status: 415 });
  });
});

describe('fails with 503, so that GitHub offers to redeliver', () => {
  test('when the queue refuses', async () => {
    const to = dependencies({ send: () => Promise.reject(new Error('QueueDoesNotExist')) });
    expect(await deliver({ body: published() }, to))
      .toEqual({ status: 503, message: 'The queue refused the message: redeliver later.' });
    expect(log.lines).toEqual([{
      level: 'error',
      message: expect.any(String) as string,
      detail: expect.objectContaining({ cause: 'Error: QueueDoesNotExist', package: 'app' }) as object,
    }]);
  });

  test('when the secret cannot be read', async () => {
    const to = dependencies({
      secrets: new SigningSecrets(() => Promise.reject(new Error('AccessDenied')), () => time.now(), log),
    });
    expect(await deliver({ body: published() }, to)).toMatchObject({ status: 503 });
    expect(sent).toEqual([]);
    expect(log.lines[0]).toMatchObject({ level: 'error', detail: { cause: 'Error: AccessDenied' } });
  });
});

describe('a rotated secret', () => {
  test('works for a function that read the former one more than a minute ago', async () => {
    const to = dependencies();
    expect(await deliver({ body: published() }, to)).toMatchObject({ status: 202 });
    stored = ['rotated'];
    time.pass(60_001);
    expect(await deliver({ body: published(), secret: 'rotated' }, to)).toMatchObject({ status: 202 });
  });

  test('is refused by a function that read the former one just now, and works once GitHub delivers again', async () => {
    const to = dependencies();
    await deliver({ body: published() }, to);
    stored = ['rotated'];
    time.pass(10_000);
    expect(await deliver({ body: published(), secret: 'rotated' }, to)).toMatchObject({ status: 401 });
    time.pass(10 * 60_000);
    expect(await deliver({ body: published(), secret: 'rotated' }, to)).toMatchObject({ status: 202 });
  });

  test('retires the one before', async () => {
    const to = dependencies();
    await deliver({ body: published() }, to);
    stored = ['rotated'];
    time.pass(5 * 60_000 + 1);
    expect(await deliver({ body: published() }, to)).toMatchObject({ status: 401 });
  });

  test('costs nothing while deliveries are genuine', async () => {
    const to = dependencies();
    for (let delivery = 0; delivery < 20; delivery++) { await deliver({ body: published() }, to); }
    expect(reads).toBe(1);
  });
});

describe('a body is verified as bytes', () => {
  const text = published({ note: '\ufffd' });
  const at = Buffer.from(text).indexOf(Buffer.from('\ufffd'));
  /** The same body with a byte that is no UTF-8 in the place of U+FFFD, to which a decoder would turn it. */
  const changed = Buffer.concat([
    Buffer.from(text).subarray(0, at),
    Buffer.from([0xff]),
    Buffer.from(text).subarray(at + 3),
  ]);
  const hmac = (bytes: Buffer): string => `sha256=${createHmac('sha256', SECRET).update(bytes).digest('hex')}`;
  const send = async (bytes: Buffer, signature: string): Promise<Answer> => {
    const headers = {
      'content-type': 'application/json',
      'x-github-event': 'package',
      'x-hub-signature-256': signature,
    };
    const result = await handleDelivery(
      { headers, body: bytes.toString('base64'), isBase64Encoded: true },
      dependencies(),
    );
    return { status: result.statusCode, message: messageOf(result) };
  };

  test('a byte changed to 0xff does not match the signature of U+FFFD', async () => {
    expect(await send(Buffer.from(text), hmac(Buffer.from(text)))).toMatchObject({ status: 202 });
    expect(await send(changed, hmac(Buffer.from(text)))).toMatchObject({ status: 401 });
  });

  test('0xff with a true signature is genuine, and then refused as no UTF-8', async () => {
    expect(await send(changed, hmac(changed))).toEqual({ status: 400, message: 'The body is not JSON in UTF-8.' });
  });

  test('a lone surrogate, whose encoding would be U+FFFD, does not match', async () => {
    const result = await handleDelivery({
      headers: { 'x-github-event': 'package', 'x-hub-signature-256': hmac(Buffer.from(text)) },
      body: text.replace('\ufffd', '\ud800'),
      isBase64Encoded: false,
    }, dependencies());
    expect(result.statusCode).toBe(401);
  });
});

describe('the log', () => {
  test('follows a delivery: id, event, package, digest and tag', async () => {
    await deliver({ body: JSON.stringify(fixture('package-published-index')) });
    expect(log.lines).toEqual([{
      level: 'info',
      message: 'Accepted.',
      detail: {
        status: 202,
        delivery: '72d3162e-cc78-11e3-81ab-4c9367dc0958',
        event: 'package',
        package: 'app',
        digest: INDEX,
        tag: '1.4.0',
      },
    }]);
  });

  test.each([
    ['a text', 'all is well, says the forger'],
    ['a line of our own', '{"level":"INFO"}'],
    ['a GUID with more', '72d3162e-cc78-11e3-81ab-4c9367dc0958 x'],
  ])('and the queue take no X-GitHub-Delivery but a GUID: %s', async (_, id) => {
    await deliver({ body: published(), secret: 'guess', headers: { 'x-github-delivery': id, 'x-github-event': id } });
    await deliver({ body: published(), headers: { 'x-github-delivery': id } });
    expect(log.text + JSON.stringify(sent)).not.toContain(id);
    expect(sent).toHaveLength(1);
  });

  test.each([[401, 'warn', { secret: 'guess' }], [400, 'warn', { body: 'null' }], [202, 'info', { event: 'push' }]])(
    'has one line for %i, at level %s',
    async (status, level, delivery) => {
      await deliver({ body: published(), ...delivery });
      expect(log.lines)
        .toEqual([expect.objectContaining({ level, detail: expect.objectContaining({ status }) as object })]);
    },
  );

  test.each<[string, Partial<Delivery>]>([
    ['genuine', {}], ['forged', { secret: 'guess' }], ['malformed', { body: '{"password":"hunter2"' }], ['a form', {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    }],
  ])('and the answer hold neither secret, nor signature, nor body (%s)', async (_, changes) => {
    const body = published({ password: 'hunter2' });
    const delivery = { body, ...changes };
    const { message } = await deliver(delivery);
    const signature = createHmac('sha256', delivery.secret ?? SECRET).update(delivery.body).digest('hex');
    for (const secret of [SECRET, signature, 'hunter2', 'guess']) { expect(log.text + message).not.toContain(secret); }
  });
});
