import { InvalidRequestException, ResourceNotFoundException } from '@aws-sdk/client-secrets-manager';
import type { StageReading } from '../../../lambda/shared/secrets';
import { SigningSecrets } from '../../../lambda/webhook/signing-secrets';
import { FakeTime } from '../shared/fake-time';
import { RecordingLog } from '../shared/recording-log';

const MINUTE = 60_000;

let time: FakeTime;
let log: RecordingLog;
let stored: StageReading;
let failure: Error | undefined;
let reads: number;
beforeEach(() => {
  time = new FakeTime();
  log = new RecordingLog();
  stored = reading('one');
  failure = undefined;
  reads = 0;
});

function reading(...values: string[]): StageReading {
  return { secrets: values.map(value => ({ value })), unreadable: [] };
}

function secrets(): SigningSecrets {
  return new SigningSecrets(() => {
    reads++;
    return failure === undefined ? Promise.resolve(stored) : Promise.reject(failure);
  }, () => time.now(), log);
}

describe('cached', () => {
  test('reads once for many deliveries', async () => {
    const signing = secrets();
    expect(await signing.cached()).toEqual(['one']);
    time.pass(4 * MINUTE);
    expect(await signing.cached()).toEqual(['one']);
    expect(reads).toBe(1);
  });

  test('reads once for deliveries at the same time', async () => {
    const signing = secrets();
    await Promise.all([signing.cached(), signing.cached(), signing.cached()]);
    expect(reads).toBe(1);
  });

  test('reads again when the secret is old, so that a revoked one stops working', async () => {
    const signing = secrets();
    await signing.cached();
    stored = reading('two');
    time.pass(5 * MINUTE + 1);
    expect(await signing.cached()).toEqual(['two']);
  });

  test('leaves out what is accepted no more, though it was read while it was', async () => {
    const signing = secrets();
    stored = { secrets: [{ value: 'two' }, { value: 'one', until: time.now() + MINUTE }], unreadable: [] };
    expect(await signing.cached()).toEqual(['two', 'one']);
    time.pass(MINUTE);
    expect(await signing.cached()).toEqual(['two']);
  });

  test('fails when the secret cannot be read, and tries again seconds later, not with each delivery', async () => {
    const signing = secrets();
    failure = new Error('denied');
    for (let delivery = 0; delivery < 20; delivery++) { await expect(signing.cached()).rejects.toThrow('denied'); }
    expect(reads).toBe(1);
    failure = undefined;
    time.pass(5_000);
    expect(await signing.cached()).toEqual(['one']);
  });
});

describe('newer, which a wrong signature asks for', () => {
  test('sees a rotated secret when the last reading is older than a minute', async () => {
    const signing = secrets();
    await signing.cached();
    stored = reading('two', 'one');
    time.pass(MINUTE + 1);
    expect(await signing.newer()).toEqual(['two', 'one']);
    expect(await signing.cached()).toEqual(['two', 'one']);
  });

  test('neither reads nor waits when it is younger', async () => {
    const signing = secrets();
    await signing.cached();
    time.pass(MINUTE);
    expect(await signing.newer()).toEqual([]);
    expect([reads, time.slept]).toEqual([1, []]);
  });

  test('a flood for an hour reads once a minute', async () => {
    const signing = secrets();
    await signing.cached();
    for (let second = 0; second < 3_600; second++) {
      time.pass(1_000);
      await signing.newer();
    }
    expect(reads).toBeLessThanOrEqual(60);
  });
});

describe('when Secrets Manager fails', () => {
  test.each([['after five minutes', 'cached'], ['at a wrong signature', 'newer']] as const)(
    '%s, the secret that was read before stays good',
    async (_, method) => {
      const signing = secrets();
      await signing.cached();
      failure = new Error('InternalServiceError');
      time.pass(6 * MINUTE);
      await signing[method]();
      expect(await signing.cached()).toEqual(['one']);
      expect(log.lines).toEqual([{
        level: 'warn',
        message: expect.stringContaining('stays in use') as string,
        detail: { cause: 'InternalServiceError' },
      }]);
    },
  );

  test('it is asked once a minute, and not by each delivery', async () => {
    const signing = secrets();
    await signing.cached();
    failure = new Error('InternalServiceError');
    time.pass(6 * MINUTE);
    for (let second = 0; second < 120; second++) {
      await signing.cached();
      await signing.newer();
      time.pass(1_000);
    }
    expect(reads - 1).toBeLessThanOrEqual(2);
  });

  test.each([
    ['gone', new ResourceNotFoundException({ message: 'gone', $metadata: {} })],
    ['marked for deletion', new InvalidRequestException({ message: 'marked for deletion', $metadata: {} })],
  ])('rejects the secret read before when it is %s: somebody has revoked it', async (_, error) => {
    const signing = secrets();
    await signing.cached();
    failure = error;
    time.pass(6 * MINUTE);
    await expect(signing.cached()).rejects.toThrow(error.message);
  });
});

test('an older stage that can\'t be read is warned of once', async () => {
  const signing = secrets();
  stored = { ...reading('one'), unreadable: [{ stage: 'AWSPREVIOUS', cause: 'AccessDeniedException' }] };
  for (let round = 0; round < 5; round++) {
    expect(await signing.cached()).toEqual(['one']);
    time.pass(6 * MINUTE);
  }
  expect(log.lines).toEqual([{
    level: 'warn',
    message: expect.stringContaining('not accepted') as string,
    detail: { cause: 'AWSPREVIOUS: AccessDeniedException' },
  }]);
});
