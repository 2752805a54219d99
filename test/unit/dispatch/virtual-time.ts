interface Timer { readonly at: number; readonly order: number; wake(): void }

/** Time that jumps from one timer to the next as soon as nothing else is to do. */
export class VirtualTime {
  private ms: number;
  private timers: Timer[] = [];
  private count = 0;

  constructor(begin = 1_000_000_000) {
    this.ms = begin;
  }

  public now(): number {
    return this.ms;
  }

  public pass(ms: number): void {
    this.ms += ms;
  }

  /** Resolves early when the signal is aborted. */
  public sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const timer: Timer = { at: this.ms + ms, order: this.count++, wake: resolve };
      this.timers.push(timer);
      signal?.addEventListener('abort', () => {
        this.timers = this.timers.filter(each => each !== timer);
        resolve();
      }, { once: true });
    });
  }

  /** Runs until the work has ended. Sleeps that nobody waits for are forgotten. */
  public async run<T>(work: Promise<T>): Promise<T> {
    let ended = false;
    const end = (): void => { ended = true; };
    work.then(end, end);
    for (;;) {
      await new Promise(setImmediate);
      if (ended) { return work; }
      this.next();
    }
  }

  /** Jumps to the next timer. */
  private next(): void {
    const timer = this.timers.reduce<Timer | undefined>((first, each) => first
      && (first.at < each.at || (first.at === each.at && first.order < each.order)) ? first : each, undefined);
    if (timer === undefined) { throw new Error('nothing is under way, and the work has not ended'); }
    this.timers = this.timers.filter(each => each !== timer);
    this.ms = Math.max(this.ms, timer.at);
    timer.wake();
  }
}
