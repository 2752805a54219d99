import { setTimeout as delay } from 'node:timers/promises';

/** Time that tests can advance where waiting would be minutes. */
export class Clock {
  private offset = 0;
  private frozenAt: number | undefined;
  private readonly waiting = new Set<{ readonly at: number; wake(): void }>();

  /** Milliseconds since the epoch. */
  public now(): number {
    return (this.frozenAt ?? Date.now()) + this.offset;
  }

  /** From now on time passes by `advance` alone. Sleeps that have begun take as long as they would have. */
  public freeze(): void {
    this.frozenAt ??= Date.now();
  }

  public async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms <= 0) { return; }
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    const waiter = { at: this.now() + ms, wake: abort };
    this.waiting.add(waiter);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      if (signal?.aborted) { return; }
      await delay(ms, undefined, { signal: controller.signal });
    } catch (error) {
      // By name: in jest's sandbox Node's own errors are instances of another realm's Error.
      if ((error as { readonly name?: unknown }).name !== 'AbortError') { throw error; }
    } finally {
      this.waiting.delete(waiter);
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Jumps ahead; every sleep that ends within the jump ends now. */
  public advance(ms: number): void {
    this.offset += ms;
    const now = this.now();
    [...this.waiting].filter(waiter => waiter.at <= now).forEach(waiter => waiter.wake());
  }
}
