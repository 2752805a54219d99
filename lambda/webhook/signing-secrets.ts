import type { Logger } from '@aws-lambda-powertools/logger';
import { messageOf } from '../shared/errors';
import { isDeleted, StageReading } from '../shared/secrets';

/** A secret that was read longer ago is read again, whatever signatures say: a revoked one stops working. */
const MAX_AGE_MS = 5 * 60_000;

/**
 * A wrong signature makes the secret be read again only when the last attempt is older than this. A forged delivery
 * then costs milliseconds and no request. After a rotation, a warm function refuses what the new secret signed for up
 * to this long: GitHub's log of deliveries has these, and the registration function has GitHub send them again.
 */
const MIN_INTERVAL_MS = 60_000;

/** Without any secret, every delivery needs one; a flood of them must not become a flood of requests all the same. */
const RETRY_MS = 5_000;

/** The secrets that a delivery may be signed with, cached in the warm function. */
export class SigningSecrets {
  private known: StageReading | undefined;
  private readAt = -Infinity;
  private triedAt = -Infinity;
  private failure: unknown;
  private warned = '';
  private reading: Promise<void> | undefined;

  /** @param read reads every secret that is accepted now, most likely first */
  constructor(
    private readonly read: () => Promise<StageReading>,
    private readonly now: () => number,
    private readonly log: Pick<Logger, 'warn'>,
  ) {}

  /** @throws when no secret could be read so far */
  public async cached(): Promise<readonly string[]> {
    const due = this.known === undefined
      ? this.now() - this.triedAt >= RETRY_MS
      : this.now() - this.readAt > MAX_AGE_MS && this.now() - this.triedAt > MIN_INTERVAL_MS;
    if (due || this.reading) { await this.refresh(); }
    return this.accepted();
  }

  /**
   * Secrets that a rotation may have brought since; none when the last reading is so young that
   * another is not worth its cost.
   */
  public async newer(): Promise<readonly string[]> {
    if (this.now() - this.triedAt <= MIN_INTERVAL_MS) { return []; }
    await this.refresh();
    return this.accepted();
  }

  private accepted(): readonly string[] {
    if (this.known === undefined) { throw this.failure; }
    return this.known.secrets.filter(({ until = Infinity }) => this.now() < until).map(({ value }) => value);
  }

  private refresh(): Promise<void> {
    this.reading ??= this.attempt().finally(() => { this.reading = undefined; });
    return this.reading;
  }

  /**
   * A secret that was deleted is revoked. Any other failure is Secrets Manager's, and the secret
   * that it gave before stays good.
   */
  private async attempt(): Promise<void> {
    this.triedAt = this.now();
    try {
      this.known = await this.read();
      this.readAt = this.now();
      this.warnOfUnreadable(this.known);
    } catch (error) {
      this.failure = error;
      if (isDeleted(error)) { this.known = undefined; }
      if (this.known) {
        this.log.warn('The webhook secret could not be read again: the one read before stays in use.', {
          cause: messageOf(error),
        });
      }
    }
  }

  /** Once for each cause: it stays the same for as long as nobody mends it. */
  private warnOfUnreadable({ unreadable }: StageReading): void {
    const text = unreadable.map(({ stage, cause }) => `${stage}: ${cause}`).join('; ');
    if (text !== '' && text !== this.warned) {
      this.log.warn('Older stages of the webhook secret can\'t be read and are not accepted.', { cause: text });
    }
    this.warned = text;
  }
}
