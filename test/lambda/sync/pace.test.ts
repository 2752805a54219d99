import fc from 'fast-check';
import { deadlineOf } from '../../../lambda/sync/deadline';
import { AdaptiveLimit, RateLimit } from '../../../lambda/sync/pace';
import { FakeTime } from '../shared/fake-time';

describe('AdaptiveLimit', () => {
  /** Work that ends when the test says. */
  function gate(): { readonly done: Promise<void>; readonly open: () => void } {
    let open = (): void => undefined;
    const done = new Promise<void>(resolve => { open = resolve; });
    return { done, open };
  }

  test('runs everything, and never more than allowed', async () => {
    const limit = new AdaptiveLimit(2, 4);
    let running = 0;
    const work = async (): Promise<number> => {
      running++;
      expect(running).toBeLessThanOrEqual(limit.limit);
      await new Promise(setImmediate);
      return running--;
    };
    expect(await Promise.all(Array.from({ length: 30 }, () => limit.run(work)))).toHaveLength(30);
    expect(limit.limit).toBe(4);
  });

  test('halves when a registry asks to slow down, and never stops', () => {
    const limit = new AdaptiveLimit(8, 16);
    const limits = Array.from({ length: 5 }, () => {
      limit.slowDown();
      return limit.limit;
    });
    expect(limits).toEqual([4, 2, 1, 1, 1]);
  });

  test('halves once for all that was under way', () => {
    const limit = new AdaptiveLimit(8, 16);
    const { round } = limit;
    [1, 2, 3].forEach(() => limit.slowDown(round));
    expect(limit.limit).toBe(4);
  });

  test('gives the place of failed work to the next', async () => {
    const limit = new AdaptiveLimit(1, 1);
    const { done, open } = gate();
    const failing = limit.run(async () => {
      await done;
      throw new Error('failed');
    });
    const next = limit.run(() => Promise.resolve('next'));
    open();
    await expect(failing).rejects.toThrow('failed');
    expect(await next).toBe('next');
  });
});

describe('RateLimit', () => {
  test('lets no more pass than the rate and one burst, whatever is asked for', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 25 }), { minLength: 1, maxLength: 30 }), async takes => {
      const time = new FakeTime();
      const rate = new RateLimit(9, () => time.now(), ms => time.sleep(ms));
      const start = time.now();
      let passed = 0;
      for (const units of takes) {
        await rate.take(units);
        // What passes at once beyond a second's worth is on credit, and later ones wait for it.
        expect(passed).toBeLessThanOrEqual(9 * (1 + (time.now() - start) / 1000));
        passed += units;
      }
    }), { numRuns: 40 });
  });

  test('lets nothing pass for a moment when the registry says that it was too much', async () => {
    const time = new FakeTime();
    const rate = new RateLimit(8, () => time.now(), ms => time.sleep(ms));
    rate.pause();
    await rate.take(1);
    expect(time.slept.reduce((sum, ms) => sum + ms, 0)).toBe(250);
  });

  test('serves in the order of asking', async () => {
    const time = new FakeTime();
    const rate = new RateLimit(1, () => time.now(), ms => time.sleep(ms));
    const order: number[] = [];
    await Promise.all([1, 2, 3].map(n => rate.take(1).then(() => order.push(n))));
    expect(order).toEqual([1, 2, 3]);
  });
});

describe('deadlineOf', () => {
  const MINUTE = 60_000;

  test.each([[5, 2, 4], [60, 53, 59], [480, 431, 479]])('of a build of %i minutes: starts copies until %i, ends them at %i', (timeout, stopStarting, stop) => {
    expect(deadlineOf(1_000, timeout)).toEqual({ stopStarting: 1_000 + stopStarting * MINUTE, stop: 1_000 + stop * MINUTE });
  });
});
