/** A cached secret is read again after this long, whatever signatures say. */
const MAX_AGE_MS = 5 * 60_000;
/** Wrong signatures make the secret be read again no more often than this: a flood of them must not become a bill. */
const MIN_INTERVAL_MS = 1_000;

export interface Time {
  now(): number;
  sleep(ms: number): Promise<unknown>;
}

/** The secrets that a delivery may be signed with, cached in the warm function. */
export class SigningSecrets {
  private secrets: readonly string[] = [];
  private readAt = -Infinity;
  private reading: Promise<readonly string[]> | undefined;

  /** @param read reads every secret that is valid now, most likely first */
  constructor(private readonly read: () => Promise<readonly string[]>, private readonly time: Time) {}

  public async cached(): Promise<readonly string[]> {
    return this.time.now() - this.readAt > MAX_AGE_MS ? this.refresh() : this.secrets;
  }

  /**
   * Reads the secrets again because a signature did not match: the secret may have been rotated a moment ago. Waits rather
   * than refuses when the last reading is too fresh, because GitHub does not send a refused delivery again.
   */
  public async reread(): Promise<readonly string[]> {
    const wait = this.readAt + MIN_INTERVAL_MS - this.time.now();
    if (wait > 0) { await this.time.sleep(wait); }
    return this.refresh();
  }

  private refresh(): Promise<readonly string[]> {
    this.reading ??= this.read()
      .then(secrets => {
        this.secrets = secrets;
        this.readAt = this.time.now();
        return secrets;
      })
      .finally(() => { this.reading = undefined; });
    return this.reading;
  }
}
