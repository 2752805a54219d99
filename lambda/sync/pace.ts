/** How many pieces of work run at the same time: halved when a registry asks to slow down, grown by one a round of successes. */
export class AdaptiveLimit {
  /** Grows with each halving. */
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

  /**
   * A registry throttles: half as many from now on, but never none.
   *
   * @param since `round` when the throttled work began: what was under way at a halving is no reason for another
   */
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

/**
 * Lets so many units pass in a second, with a burst of half a second's worth: what passes here reaches the registry a little later, now
 * sooner, now later, and must not gather to more than the registry's own second. First come, first served.
 */
export class RateLimit {
  private readonly burst: number;
  private tokens: number;
  private filledAt: number;
  private turn: Promise<void> = Promise.resolve();

  constructor(private readonly perSecond: number, private readonly now: () => number, private readonly sleep: (ms: number) => Promise<unknown>) {
    this.burst = Math.max(1, perSecond / 2);
    this.tokens = this.burst;
    this.filledAt = now();
  }

  /** @param units more than a burst is taken on credit: those who come later wait for it */
  public take(units: number): Promise<void> {
    this.turn = this.turn.then(() => this.wait(units));
    return this.turn;
  }

  /** The registry said that it was too much: what was saved up is gone, and the next waits a little. */
  public pause(): void {
    this.fill();
    this.tokens = Math.min(this.tokens, 0) - this.burst / 4;
  }

  private async wait(units: number): Promise<void> {
    const needed = Math.min(units, this.burst);
    this.fill();
    while (this.tokens < needed) {
      await this.sleep(Math.ceil((needed - this.tokens) / this.perSecond * 1000));
      this.fill();
    }
    this.tokens -= units;
  }

  private fill(): void {
    const now = this.now();
    this.tokens = Math.min(this.burst, this.tokens + (now - this.filledAt) / 1000 * this.perSecond);
    this.filledAt = now;
  }
}
