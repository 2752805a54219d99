/** How many pieces of work run at the same time: halved when a registry asks to slow down, grown by one a round of successes. */
export class AdaptiveLimit {
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

  /** A registry throttles: half as many from now on, but never none. */
  public slowDown(): void {
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

/** Lets so many units pass in a second, with a burst of one second's worth. First come, first served. */
export class RateLimit {
  private tokens: number;
  private filledAt: number;
  private turn: Promise<void> = Promise.resolve();

  constructor(private readonly perSecond: number, private readonly now: () => number, private readonly sleep: (ms: number) => Promise<unknown>) {
    this.tokens = perSecond;
    this.filledAt = now();
  }

  /** @param units more than a second's worth is taken on credit: those who come later wait for it */
  public take(units: number): Promise<void> {
    this.turn = this.turn.then(() => this.wait(units));
    return this.turn;
  }

  private async wait(units: number): Promise<void> {
    const needed = Math.min(units, this.perSecond);
    this.fill();
    while (this.tokens < needed) {
      await this.sleep(Math.ceil((needed - this.tokens) / this.perSecond * 1000));
      this.fill();
    }
    this.tokens -= units;
  }

  private fill(): void {
    const now = this.now();
    this.tokens = Math.min(this.perSecond, this.tokens + (now - this.filledAt) / 1000 * this.perSecond);
    this.filledAt = now;
  }
}
