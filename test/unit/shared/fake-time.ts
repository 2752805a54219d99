/** Time that passes only when somebody sleeps, or when the test says so. */
export class FakeTime {
  public readonly slept: number[] = [];
  private ms = 1_000_000;

  public now(): number {
    return this.ms;
  }

  public async sleep(ms: number): Promise<void> {
    this.slept.push(ms);
    this.ms += ms;
    await Promise.resolve();
  }

  public pass(ms: number): void {
    this.ms += ms;
  }
}
