import type { CopyRun } from './run';
import type { CopyEngine } from '../../../src/contract/copy-engine';
import { messageOf } from '../../shared/errors';
import { causeOf } from '../resilience/causes';
import { CausedError, FailureCause } from '../resilience/failure-cause';

/** Both engines have failed with the same step. */
export class BothFailed extends CausedError {
  public override readonly name = 'BothFailed';
  public readonly failureCause: FailureCause;

  constructor(first: unknown, second: unknown, secondName: CopyEngine) {
    super(`${messageOf(first)} - then, by ${secondName}: ${messageOf(second)}`, { cause: second });
    const cause = causeOf(second);
    this.failureCause = cause === 'unknown' ? causeOf(first) : cause;
  }
}

/** Another way to do a step, and the engine that goes it. */
export interface Other<T> {
  readonly name: CopyEngine;
  readonly work: () => Promise<T>;
}

/**
 * Does a step, or lets the other engine do it when it fails for a reason that we don't know, or because something is
 * not supported. What is refused, late, or not reachable is so for both.
 *
 * @param what how the log names the step
 */
export async function orElse<T>(
  run: Pick<CopyRun, 'print' | 'stopped'>, what: string, work: () => Promise<T>, other: Other<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const hopeless = error instanceof BothFailed || !['unknown', 'unsupported'].includes(causeOf(error));
    if (run.stopped.aborted || hopeless) { throw error; }
    run.print(`fallback ${what} to ${other.name}: ${messageOf(error)}`);
    return other.work().catch((second: unknown) => { throw new BothFailed(error, second, other.name); });
  }
}
