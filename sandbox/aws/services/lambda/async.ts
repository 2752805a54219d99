import { errorMessage, FunctionPool, InvocationResult } from './pool';
import { CoreContext } from '../../core/context';
import { randomUuid } from '../../core/naming';
import { AwsError } from '../../core/service';

/**
 * Waits before the second and the third attempt:
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
const RETRY_MS = [60_000, 120_000];

/** Asynchronous invocations: accepted at once, tried three times. */
export class AsyncQueue {
  private readonly pending = new Map<string, FunctionPool>();
  private readonly stop = new AbortController();

  constructor(
    private readonly context: CoreContext,
    private readonly run: (pool: FunctionPool, payload: string, trace?: string) => Promise<InvocationResult>,
  ) {}

  public add(pool: FunctionPool, payload: string, trace?: string): string {
    const id = randomUuid(this.context.random);
    this.pending.set(id, pool);
    void this.attempts(id, pool, payload, trace).finally(() => this.pending.delete(id));
    return id;
  }

  public busy(): boolean {
    return this.pending.size > 0;
  }

  /** Forgets the retries of a function that is gone. */
  public drop(pool: FunctionPool): void {
    [...this.pending].filter(([, owner]) => owner === pool).forEach(([id]) => this.pending.delete(id));
  }

  public close(): void {
    this.pending.clear();
    this.stop.abort();
  }

  private async attempts(id: string, pool: FunctionPool, payload: string, trace?: string): Promise<void> {
    for (const wait of [0, ...RETRY_MS]) {
      await this.context.clock.sleep(wait, this.stop.signal);
      if (!this.pending.has(id)) { return; }
      const problem = await this.attempt(pool, payload, trace);
      if (problem === undefined) { return; }
      // `requestId` is the one that Invoke answered: whoever invoked can tell that it was his event.
      this.context.emit({
        source: 'lambda',
        resource: pool.name,
        kind: 'async-failed',
        text: problem,
        detail: { requestId: id },
      });
    }
  }

  /** Message of the failure, if the invocation failed. */
  private async attempt(pool: FunctionPool, payload: string, trace?: string): Promise<string | undefined> {
    try {
      const result = await this.run(pool, payload, trace);
      return result.functionError === undefined ? undefined : errorMessage(result);
    } catch (error) {
      if (!(error instanceof AwsError)) { throw error; }
      return `${error.code}: ${error.message}`;
    }
  }
}
