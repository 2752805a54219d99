/**
 * Requests to GitHub are spent on a push, which may use all that is left, or on a full reconcile, which leaves a
 * reserve for pushes.
 */
export type Purpose = 'push' | 'reconcile';

/** The part of the limit that a reconcile may spend as fast as it can, and the part that it never touches. */
const SHARE = { free: 0.5, reserve: 0.2 };

/**
 * Requests of reconciles in a minute. GitHub's secondary limit is 900 in a minute for one token, and dispatch runs
 * twice at a time.
 *
 * @see https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits
 */
const RECONCILE_REQUESTS_PER_MINUTE = 400;

const MINUTE_MS = 60_000;
const WINDOW_MS = 60 * MINUTE_MS;

/** After so long, what an answer told of the budget is old: others may have spent it. */
const FRESH_MS = 30_000;

/** What GitHub tells of the hour's limit: `reset` is in seconds since the epoch. */
export interface RateLimitWindow {
  readonly limit: number;
  readonly remaining: number;
  readonly reset: number;
}

/**
 * What GitHub's answers tell of the requests that a token has left, and who may spend them. Servers without a limit
 * tell nothing.
 */
export class GitHubBudget {
  private limit = Infinity;
  private remaining = Infinity;
  private resetAt = 0;
  private observedAt = -Infinity;
  /** End of a pause that GitHub asked for. */
  private pausedUntil = 0;
  private minute = { endsAt: 0, requests: 0 };

  constructor(private readonly now: () => number) {}

  /** Whether the last answer is recent enough to plan with. */
  public get isKnown(): boolean {
    return this.now() - this.observedAt < FRESH_MS;
  }

  /** Reads the headers of an answer. */
  public observe(headers: Pick<Headers, 'get'>): void {
    const now = this.now();
    this.count(now);
    const [limit, remaining, reset] = ['limit', 'remaining', 'reset']
      .map(name => Number(headers.get(`x-ratelimit-${name}`) ?? NaN));
    this.report({ limit, remaining, reset });
    const retryAfter = Number(headers.get('retry-after') ?? NaN);
    if (Number.isFinite(retryAfter)) { this.pause(now + retryAfter * 1000); }
  }

  /** Takes what GitHub tells of the window. Where a number is missing, it tells nothing. */
  public report({ limit, remaining, reset }: RateLimitWindow): void {
    this.observedAt = this.now();
    if (![limit, remaining, reset].every(Number.isFinite)) { return; }
    Object.assign(this, { limit, remaining, resetAt: reset * 1000 });
  }

  /** The server has no limit. */
  public unlimited(): void {
    Object.assign(this, { observedAt: this.now(), limit: Infinity, remaining: Infinity, resetAt: 0 });
  }

  /** GitHub wants no request before. @param until milliseconds since the epoch */
  public pause(until: number): void {
    this.pausedUntil = Math.max(this.pausedUntil, until);
  }

  /** When there may be budget again, milliseconds since the epoch; undefined when there is some now. */
  public waitFor(purpose: Purpose): number | undefined {
    const now = this.now();
    if (this.pausedUntil > now) { return this.pausedUntil; }
    if (this.resetAt > now && this.remaining <= this.floor(purpose, now)) { return this.resetAt; }
    if (purpose === 'push') { return undefined; }
    return this.minute.endsAt > now && this.minute.requests >= RECONCILE_REQUESTS_PER_MINUTE
      ? this.minute.endsAt
      : undefined;
  }

  /**
   * Requests that are not to be spent. Below the free part, a reconcile's requests are spread evenly over the rest
   * of the window: spent at
   * once they would take both places that dispatch has, and pushes would wait.
   */
  private floor(purpose: Purpose, now: number): number {
    if (purpose === 'push') { return 0; }
    const left = Math.min(1, (this.resetAt - now) / WINDOW_MS);
    return this.limit * (SHARE.reserve + (SHARE.free - SHARE.reserve) * left);
  }

  private count(now: number): void {
    if (this.minute.endsAt <= now) { this.minute = { endsAt: now + MINUTE_MS, requests: 0 }; }
    this.minute.requests++;
  }
}
