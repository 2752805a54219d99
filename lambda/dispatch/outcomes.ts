import type { Reason } from './pause';
import type { Received } from './received';

/** Why a message stays in the queue, and what failed. */
export interface Waiting {
  readonly reason: Reason;
  readonly error?: Error;
}

const NOT_HANDLED: Waiting = {
  reason: { kind: 'retry' },
  error: new Error('Dispatch came to no decision about the message: will look again.'),
};

/** What becomes of the messages of a batch. A message stays in the queue until somebody says that it is done. */
export class Outcomes {
  private readonly waiting: Map<string, Waiting>;

  constructor(batch: readonly Received[]) {
    this.waiting = new Map(batch.map(({ id }) => [id, NOT_HANDLED]));
  }

  public done(messages: readonly Received[]): void {
    messages.forEach(({ id }) => this.waiting.delete(id));
  }

  public wait(messages: readonly Received[], reason: Reason, error?: Error): void {
    messages.forEach(({ id }) => this.waiting.set(id, { reason, error }));
  }

  /** Messages that stay, by their id. */
  public get stay(): ReadonlyMap<string, Waiting> {
    return this.waiting;
  }
}
