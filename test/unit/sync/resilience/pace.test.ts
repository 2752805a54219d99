import fc from 'fast-check';
import { deadlineOf } from '../../../../lambda/sync/build-deadline';
import { AdaptiveLimit, RateLimit } from '../../../../lambda/sync/resilience/pace';
import { FakeTime } from '../../shared/fake-time';

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

/** A clock on which several sleep at once. */
class SharedClock {
  public now = 0;
  private readonly sleepers: { readonly at: number; readonly wake: () => void }[] = [];

  public sleep(ms: number): Promise<void> {
    return new Promise(wake => { this.sleepers.push({ at: this.now + ms, wake }); });
  }

  /** Lets time pass until all have ended. */
  public async until<T>(work: readonly Promise<T>[]): Promise<T[]> {
    let open = work.length;
    work.forEach(one => void one.finally(() => { open--; }));
    while (open > 0) {
      await new Promise(setImmediate);
      const next = this.sleepers.sort((a, b) => a.at - b.at).shift();
      if (next) {
        this.now = next.at;
        next.wake();
      }
    }
    return Promise.all(work);
  }
}

/** A quota as a registry keeps it: a second's worth passes at once, what is too much is refused. */
class Bucket {
  public refused = 0;
  private tokens: number;
  private filledAt = 0;

  constructor(private readonly perSecond: number, private readonly clock: SharedClock) {
    this.tokens = perSecond;
  }

  public take(): boolean {
    this.tokens = Math.min(this.perSecond, this.tokens + (this.clock.now - this.filledAt) / 1000 * this.perSecond);
    this.filledAt = this.clock.now;
    if (this.tokens < 1) { this.refused++; return false; }
    this.tokens--;
    return true;
  }
}

describe('RateLimit', () => {
  test('lets no more pass than the rate and one burst, whenever it is asked', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 800 }), { minLength: 1, maxLength: 80 }), async pauses => {
      const time = new FakeTime();
      const rate = new RateLimit(9, () => time.now(), ms => time.sleep(ms));
      const start = time.now();
      for (const [passed, pause] of pauses.entries()) {
        await rate.take();
        expect(passed + 1).toBeLessThanOrEqual(4.5 + 9 * (time.now() - start) / 1000 + 1e-6);
        time.pass(pause % 7 === 0 ? pause : 0);
      }
    }), { numRuns: 40 });
  });

  test('lets nothing pass for a moment when the registry says that it was too much', async () => {
    const time = new FakeTime();
    const rate = new RateLimit(8, () => time.now(), ms => time.sleep(ms));
    rate.pause();
    await rate.take();
    expect(time.slept.reduce((sum, ms) => sum + ms, 0)).toBe(250);
  });

  test('gives way by half when the registry throttles, once for all that was under way, and comes back', async () => {
    const time = new FakeTime();
    const rate = new RateLimit(8, () => time.now(), ms => time.sleep(ms));
    const { round } = rate;
    rate.slowDown(round);
    rate.slowDown(round);
    const passedIn = async (ms: number): Promise<number> => {
      const end = time.now() + ms;
      let passed = 0;
      for (await rate.take(); time.now() <= end; await rate.take()) { passed++; }
      return passed;
    };
    expect(await passedIn(3_000)).toBeLessThanOrEqual(4 * 3 + 4);
    time.pass(20_000);
    await passedIn(1_000);
    expect(await passedIn(3_000)).toBe(8 * 3);
  });

  test('two that share a quota both get on, and use most of it', async () => {
    const clock = new SharedClock();
    const limit = (perSecond: number): RateLimit => new RateLimit(perSecond, () => clock.now, ms => clock.sleep(ms));
    const [own, other, quota] = [limit(9), limit(9), new Bucket(10, clock)];
    const puts = async (rate: RateLimit): Promise<number> => {
      let passed = 0;
      while (clock.now < 60_000) {
        const { round } = rate;
        await rate.take();
        if (quota.take()) { passed++; } else { rate.slowDown(round); }
      }
      return passed;
    };
    const [mine, theirs] = await clock.until([puts(own), puts(other)]);
    expect(Math.min(mine, theirs)).toBeGreaterThan(60 * 10 / 4);
    expect(mine + theirs).toBeGreaterThan(60 * 10 * 0.7);
    expect(quota.refused).toBeLessThan(60);
  });

  test('serves in the order of asking', async () => {
    const time = new FakeTime();
    const rate = new RateLimit(1, () => time.now(), ms => time.sleep(ms));
    const order: number[] = [];
    await Promise.all([1, 2, 3].map(n => rate.take().then(() => order.push(n))));
    expect(order).toEqual([1, 2, 3]);
  });
});

describe('deadlineOf', () => {
  const MINUTE = 60_000;

  test.each([[5, 2, 4], [60, 53, 59], [480, 431, 479]])('of a build of %i minutes: starts copies until %i, ends them at %i', (timeout, stopStarting, stop) => {
    expect(deadlineOf(1_000, timeout)).toEqual({ stopStarting: 1_000 + stopStarting * MINUTE, stop: 1_000 + stop * MINUTE });
  });
});
