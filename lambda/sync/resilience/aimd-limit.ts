import type { Limiter } from './limiter';

/**
 * Limit of concurrent work that finds its own size: additive increase (by one for each full round of successes),
 * multiplicative decrease (by half when a registry asks to slow down).
 *
 * @see https://en.wikipedia.org/wiki/Additive_increase/multiplicative_decrease
 */
export class AimdLimit implements Limiter {
  public epoch = 0;
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
    if (this.running >= this.limit) {
      await new Promise<void>(resolve => this.waiting.push(resolve));
    } else { this.running++; }
    try {
      const result = await work();
      this.allowed = Math.min(this.max, this.allowed + 1 / this.allowed);
      return result;
    } finally {
      this.release();
    }
  }

  public slowDown(since = this.epoch): void {
    if (since < this.epoch) { return; }
    this.epoch++;
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
