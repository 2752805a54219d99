/** What gives way when a registry asks to slow down. */
export interface Adaptive {
  /** Grows with each halving. */
  readonly round: number;
  /**
   * A registry throttles: half as much from now on, but never nothing.
   *
   * @param since `round` when the throttled work began: what was under way at a halving is no reason for another
   */
  slowDown(since: number): void;
}

/** How many pieces of work run at the same time: halved when a registry asks to slow down, grown by one a round of successes. */
export class AdaptiveLimit implements Adaptive {
  public round = 0;
  private allowed: number;
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(start: number, private readonly max: number) {
    this.allowed = start;
  }

  /** How many may run now. */
  public get limit(): number {
    return Math.floor(this.allowed);
  }

  public async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.running >= this.limit) { await new Promise<void>(resolve => this.waiting.push(resolve)); } else { this.running++; }
    try {
      const result = await work();
      this.allowed = Math.min(this.max, this.allowed + 1 / this.allowed);
      return result;
    } finally {
      this.release();
    }
  }

  public slowDown(since = this.round): void {
    if (since < this.round) { return; }
    this.round++;
    this.allowed = Math.max(1, this.allowed / 2);
  }

  /** Passes this place on, and further ones where the limit has grown; gives it up where it has shrunk. */
  private release(): void {
    this.running--;
    while (this.running < this.limit) {
      const next = this.waiting.shift();
      if (next === undefined) { return; }
      this.running++;
      next();
    }
  }
}

/** A slowed rate is back at its full after this many seconds. */
const RECOVERY_SECONDS = 20;

/** A rate is never slowed below this part of the full. */
const LEAST = 1 / 16;

/**
 * Lets so many units pass in a second, with a burst of half a second's worth: what passes here reaches the registry a little later, now
 * sooner, now later, and must not gather to more than the registry's own second. First come, first served.
 *
 * The quota is the account's: when another writer uses a part of it, the registry throttles, and this gives way by half and comes back
 * slowly, as the other one does.
 */
export class RateLimit implements Adaptive {
  public round = 0;
  private readonly burst: number;
  private rate: number;
  private tokens: number;
  private filledAt: number;
  private turn: Promise<void> = Promise.resolve();

  constructor(private readonly perSecond: number, private readonly now: () => number, private readonly sleep: (ms: number) => Promise<unknown>) {
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

  /** The registry said that it was too much: what was saved up is gone, and the next waits a little. */
  public pause(): void {
    this.fill();
    this.tokens = Math.min(this.tokens, 0) - this.burst / 4;
  }

  public slowDown(since = this.round): void {
    if (since < this.round) { return; }
    this.round++;
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
