import { createHmac } from 'node:crypto';
import { handleDelivery } from '../../../lambda/webhook/handler';
import { SigningSecrets } from '../../../lambda/webhook/signing-secrets';
import { FakeTime } from '../shared/fake-time';
import { RecordingLog } from '../shared/recording-log';

/** A reading asks for three stages, each with a request. */
const REQUESTS_PER_READING = 3;

/**
 * Lambda's instances: each takes one delivery at a time and has a cache of its own; another starts when all are taken.
 */
class Instances {
  public readonly all: SigningSecrets[] = [];
  public requests = 0;
  private readonly idle: SigningSecrets[] = [];

  constructor(private readonly time: FakeTime) {}

  public async deliver(signature: string, body: string): Promise<number | undefined> {
    const secrets = this.idle.pop() ?? this.start();
    const headers = { 'x-github-event': 'push', 'x-hub-signature-256': signature };
    const { statusCode } = await handleDelivery({ headers, body, isBase64Encoded: false }, {
      organization: 'my-org',
      secrets,
      send: () => Promise.reject(new Error('nothing here may be enqueued')),
      log: new RecordingLog(),
    });
    this.idle.push(secrets);
    return statusCode;
  }

  private start(): SigningSecrets {
    const secrets = new SigningSecrets(() => {
      this.requests += REQUESTS_PER_READING;
      return Promise.resolve({ secrets: [{ value: 'the secret' }], unreadable: [] });
    }, () => this.time.now(), new RecordingLog());
    this.all.push(secrets);
    return secrets;
  }
}

/**
 * Before, a wrong signature slept until a second had passed since the last reading, and read
 * again: 53 instances, 3,159 requests.
 */
test('1,000 forged deliveries at the pace of the throttle take one instance and no request '
  + 'beyond its first reading', async () => {
  const time = new FakeTime();
  const lambda = new Instances(time);
  const statuses = new Set<number | undefined>();
  for (let n = 0; n < 1_000; n++) {
    statuses.add(
      await lambda.deliver(`sha256=${createHmac('sha256', 'a guess').update(String(n)).digest('hex')}`, `{"n":${n}}`),
    );
    // 50 in a second.
    time.pass(20);
  }
  process.stdout.write(`1,000 forged deliveries: ${lambda.all.length} instance, `
    + `${lambda.requests} GetSecretValue calls\n`);
  expect([...statuses]).toEqual([401]);
  expect(time.slept).toEqual([]);
  expect([lambda.all.length, lambda.requests]).toEqual([1, REQUESTS_PER_READING]);
});
