import fc from 'fast-check';
import { RegistryError } from '../../../../lambda/sync/registry/errors';
import type { FailureCause } from '../../../../lambda/sync/resilience/failure-cause';
import { backoff, withRetry } from '../../../../lambda/sync/resilience/retry';
import { FakeTime } from '../../shared/fake-time';
import { Failure } from '../sync-world';

describe('backoff', () => {
  test.each([[
    1,
    0,
    500,
  ], [1, 1, 1_000], [2, 0, 1_000], [2, 1, 2_000], [5, 1, 16_000], [6, 1, 30_000], [60, 1, 30_000], [60, 0, 15_000]])(
    'after try %i and a draw of %d is %i ms', (attempt, draw, ms) => {
      expect(backoff(attempt, () => draw)).toBe(ms);
    });

  test('stays within its bounds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, draw) => {
        const wait = backoff(attempt, () => draw);
        expect(wait).toBeGreaterThanOrEqual(500);
        expect(wait).toBeLessThanOrEqual(30_000);
      }),
    );
  });
});

describe('withRetry', () => {
  let time: FakeTime;
  let tries: number;
  let retries: FailureCause[];
  beforeEach(() => {
    time = new FakeTime();
    tries = 0;
    retries = [];
  });

  /** Work that ends as each outcome says; the last repeats. */
  function run(...outcomes: readonly (Error | string)[]): Promise<string> {
    const work = async (): Promise<string> => {
      const outcome = outcomes[Math.min(tries++, outcomes.length - 1)];
      if (outcome instanceof Error) { throw outcome; }
      return outcome;
    };
    return withRetry(
      work,
      { sleep: ms => time.sleep(ms), random: () => 1, onRetry: (_, cause) => { retries.push(cause); } },
    );
  }

  test('tries once when the work is done', async () => {
    expect(await run('done')).toBe('done');
    expect([tries, time.slept, retries]).toEqual([1, [], []]);
  });

  test('tries again, with growing waits, while the failure can pass', async () => {
    expect(await run(new Failure('lag'), new Failure('throttled'), new Failure('network'), 'done')).toBe('done');
    expect(time.slept).toEqual([1_000, 2_000, 4_000]);
    expect(retries).toEqual(['lag', 'throttled', 'network']);
  });

  test.each(['denied', 'conflict', 'unsupported', 'missing'] as const)(
    'fails at once on "%s", where another try cannot help',
    async cause => {
      await expect(run(new Failure(cause))).rejects.toThrow(cause);
      expect([tries, time.slept]).toEqual([1, []]);
    },
  );

  test.each([[
    'lag',
    6,
  ], ['throttled', 8], ['network', 5], ['overloaded', 5], ['expired', 2], ['login', 2], ['unknown', 2]] as const)(
    'fails on "%s" with the last failure, after %i tries', async (cause, count) => {
      const failure = new Failure(cause);
      await expect(run(failure)).rejects.toBe(failure);
      expect(tries).toBe(count);
    });

  test('waits as long as the registry asks, and no longer than five minutes', async () => {
    const asking = (waitMs: number): RegistryError => new RegistryError('429', {
      host: 'ghcr.io', status: 429, codes: [], hasBody: false, basicLogin: false, retryAfterMs: waitMs,
    });
    await run(asking(7_000), asking(3_600_000), 'done');
    expect(time.slept).toEqual([7_000, 300_000]);
  });
});
