import type { Limiter } from './limiter';

/** A rate that was lowered is back at its full value after this many seconds. */
const RECOVERY_SECONDS = 20;

/** A rate is never lowered below this share of its full value. */
const LEAST = 1 / 16;

/**
 * Token bucket: lets so many units pass in a second, first come, first served. Network jitter bunches requests, so the
 * burst is at most half a second's worth: more could exceed the quota in one second of the registry's clock.
 *
 * The quota is shared by the whole account. When another writer uses a part of it and the registry throttles, the rate
 * is halved, and then grows slowly to its full value again.
 *
 * @see https://en.wikipedia.org/wiki/Token_bucket
 */
export class TokenBucket implements Limiter {
  public epoch = 0;
  private readonly burst: number;
  private rate: number;
  private tokens: number;
  private filledAt: number;
  private turn: Promise<void> = Promise.resolve();

  constructor(
    private readonly perSecond: number,
    private readonly now: () => number,
    private readonly sleep: (ms: number) => Promise<unknown>,
  ) {
    this.burst = Math.max(1, perSecond / 2);
    this.rate = perSecond;
    this.tokens = this.burst;
    this.filledAt = now();
  }

  /** Resolves when one more may pass. */
  public take(): Promise<void> {
    this.turn = this.turn.then(() => this.wait());
    return this.turn;
  }

  /**
   * Drops the tokens that were saved up, and makes the next caller wait a little: the
   * registry said that it was too much.
   */
  public pause(): void {
    this.fill();
    this.tokens = Math.min(this.tokens, 0) - this.burst / 4;
  }

  public slowDown(since = this.epoch): void {
    if (since < this.epoch) { return; }
    this.epoch++;
    this.pause();
    this.rate = Math.max(this.perSecond * LEAST, this.rate / 2);
  }

  private async wait(): Promise<void> {
    this.fill();
    while (this.tokens < 1) {
      await this.sleep(Math.ceil((1 - this.tokens) / this.rate * 1000));
      this.fill();
    }
    this.tokens -= 1;
  }

  private fill(): void {
    const now = this.now();
    const seconds = (now - this.filledAt) / 1000;
    this.rate = Math.min(this.perSecond, this.rate + seconds * this.perSecond / RECOVERY_SECONDS);
    this.tokens = Math.min(this.burst, this.tokens + seconds * this.rate);
    this.filledAt = now;
  }
}
