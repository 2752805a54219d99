/** Renews the logins to both registries, once for all requests that found the same login expired. */
export class LoginRenewal {
  /** Number of renewals so far. */
  public renewals = 0;
  private renewing: Promise<void> | undefined;

  constructor(private readonly renewLogins: () => Promise<void>) {}

  /**
   * @param since `renewals` when the refused request began: a login that is newer than the request is not renewed again
   */
  public renew(since: number): Promise<void> {
    if (since < this.renewals) { return Promise.resolve(); }
    this.renewing ??= this.renewLogins().then(() => { this.renewals++; }).finally(() => { this.renewing = undefined; });
    return this.renewing;
  }
}
