import fc from 'fast-check';
import { TokenBucket } from '../../../../lambda/sync/resilience/token-bucket';
import { FakeTime } from '../../shared/fake-time';

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

describe('TokenBucket', () => {
  test('lets no more pass than the rate and one burst, whenever it is asked', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 800 }), { minLength: 1, maxLength: 80 }), async pauses => {
        const time = new FakeTime();
        const rate = new TokenBucket(9, () => time.now(), ms => time.sleep(ms));
        const start = time.now();
        for (const [passed, pause] of pauses.entries()) {
          await rate.take();
          expect(passed + 1).toBeLessThanOrEqual(4.5 + 9 * (time.now() - start) / 1000 + 1e-6);
          time.pass(pause % 7 === 0 ? pause : 0);
        }
      }),
      { numRuns: 40 },
    );
  });

  test('lets nothing pass for a moment when the registry says that it was too much', async () => {
    const time = new FakeTime();
    const rate = new TokenBucket(8, () => time.now(), ms => time.sleep(ms));
    rate.pause();
    await rate.take();
    expect(time.slept.reduce((sum, ms) => sum + ms, 0)).toBe(250);
  });

  test('gives way by half when the registry throttles, once for all that was under way, and comes back', async () => {
    const time = new FakeTime();
    const rate = new TokenBucket(8, () => time.now(), ms => time.sleep(ms));
    const { epoch } = rate;
    rate.slowDown(epoch);
    rate.slowDown(epoch);
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
    const limit = (perSecond: number): TokenBucket =>
      new TokenBucket(perSecond, () => clock.now, ms => clock.sleep(ms));
    const [own, other, quota] = [limit(9), limit(9), new Bucket(10, clock)];
    const puts = async (rate: TokenBucket): Promise<number> => {
      let passed = 0;
      while (clock.now < 60_000) {
        const { epoch } = rate;
        await rate.take();
        if (quota.take()) { passed++; } else { rate.slowDown(epoch); }
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
    const rate = new TokenBucket(1, () => time.now(), ms => time.sleep(ms));
    const order: number[] = [];
    await Promise.all([1, 2, 3].map(n => rate.take().then(() => order.push(n))));
    expect(order).toEqual([1, 2, 3]);
  });
});
