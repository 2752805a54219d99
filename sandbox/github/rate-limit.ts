import { ApiError } from './errors';

export interface RateLimitOptions {
  /** Requests of one user per window. @default 5000 */
  readonly limit?: number;
  /** @default one hour */
  readonly windowMs?: number;
  /** GitHub answers either. @default 403 */
  readonly status?: 403 | 429;
  /** Requests under way at once before the secondary limit strikes. @default 100 */
  readonly concurrent?: number;
  /** Points per minute (GET 1, others 5) before the secondary limit strikes. @default 900 */
  readonly pointsPerMinute?: number;
  /** Requests that change something, in a minute, before the secondary limit strikes. @default 80 */
  readonly changesPerMinute?: number;
  /** The same in an hour. @default 500 */
  readonly changesPerHour?: number;
  /** `retry-after` of the secondary limit; undefined leaves the header out, which GitHub may do. @default 60 */
  readonly retryAfterSeconds?: number | undefined;
}

interface Window {
  resetAt: number;
  used: number;
  minuteEndsAt: number;
  points: number;
  underWay: number;
  /** Requests that changed something, in this minute and this hour. */
  changes: number;
  hourEndsAt: number;
  changesThisHour: number;
}

/**
 * Primary and secondary limits, counted by user.
 * https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
export class RateLimits {
  private options: Required<Omit<RateLimitOptions, 'retryAfterSeconds'>> & Pick<RateLimitOptions, 'retryAfterSeconds'>;
  private readonly windows = new Map<number, Window>();
  private secondaryStrikes = 0;

  constructor(options: RateLimitOptions, private readonly now: () => number) {
    this.options = {
      limit: 5000,
      windowMs: 3_600_000,
      status: 403,
      concurrent: 100,
      pointsPerMinute: 900,
      changesPerMinute: 80,
      changesPerHour: 500,
      retryAfterSeconds: 60,
      ...options,
    };
  }

  /** Changes limits while the server runs. */
  public configure(options: RateLimitOptions): void {
    this.options = { ...this.options, ...options };
  }

  /** The next requests meet the secondary limit. */
  public strikeSecondary(times = 1): void {
    this.secondaryStrikes += times;
  }

  /** Starts a request, or refuses it. */
  public start(user: number, method: string): void {
    const window = this.window(user);
    window.points += method === 'GET' ? 1 : 5;
    window.changes += method === 'GET' ? 0 : 1;
    window.changesThisHour += method === 'GET' ? 0 : 1;
    if (this.secondary(window, method !== 'GET')) { throw this.secondaryError(); }
    if (window.used >= this.options.limit) {
      throw new ApiError(
        this.options.status,
        `API rate limit exceeded for user ID ${user}. If you reach out to GitHub Support for help, `
          + 'please include the request ID.',
      );
    }
    window.used++;
    window.underWay++;
  }

  /** Ends a started request; an authorized 304 costs nothing. */
  public end(user: number, status: number): void {
    const window = this.window(user);
    window.underWay--;
    if (status === 304) { window.used--; }
  }

  public headers(user: number): Record<string, string> {
    const { resetAt, used } = this.window(user);
    return {
      'x-ratelimit-limit': String(this.options.limit),
      'x-ratelimit-remaining': String(Math.max(0, this.options.limit - used)),
      'x-ratelimit-used': String(used),
      'x-ratelimit-reset': String(Math.ceil(resetAt / 1000)),
      'x-ratelimit-resource': 'core',
    };
  }

  /** The answer of GET /rate_limit. */
  public describe(user: number): object {
    const { resetAt, used } = this.window(user);
    const { limit } = this.options;
    const core = { limit, used, remaining: Math.max(0, limit - used), reset: Math.ceil(resetAt / 1000) };
    return { resources: { core }, rate: core };
  }

  private secondary(window: Window, changes: boolean): boolean {
    if (this.secondaryStrikes > 0) {
      this.secondaryStrikes--;
      return true;
    }
    const { concurrent, pointsPerMinute, changesPerMinute, changesPerHour } = this.options;
    const tooManyChanges = window.changes > changesPerMinute || window.changesThisHour > changesPerHour;
    return window.underWay >= concurrent || window.points > pointsPerMinute || (changes && tooManyChanges);
  }

  private secondaryError(): ApiError {
    const { status, retryAfterSeconds } = this.options;
    return new ApiError(
      status,
      'You have exceeded a secondary rate limit. Please wait a few minutes before you try again. '
        + 'If you reach out to GitHub Support for help, please include the request ID.',
      {
        headers: retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) },
      },
    );
  }

  private window(user: number): Window {
    const now = this.now();
    const window = this.windows.get(user) ?? {
      resetAt: 0, used: 0, minuteEndsAt: 0, points: 0, underWay: 0, changes: 0, hourEndsAt: 0, changesThisHour: 0,
    };
    if (window.resetAt <= now) {
      Object.assign(window, { resetAt: now + this.options.windowMs, used: window.underWay });
    }
    if (window.minuteEndsAt <= now) { Object.assign(window, { minuteEndsAt: now + 60_000, points: 0, changes: 0 }); }
    if (window.hourEndsAt <= now) { Object.assign(window, { hourEndsAt: now + 3_600_000, changesThisHour: 0 }); }
    this.windows.set(user, window);
    return window;
  }
}
