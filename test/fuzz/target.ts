import type fc from 'fast-check';

/** One door of the mirror through which an enemy's bytes come in, and the promise that holds behind it. */
export interface FuzzTarget<Input> {
  readonly name: string;
  /** Part of all cases, in thousandths. */
  readonly share: number;
  readonly input: fc.Arbitrary<Input>;
  /** Outcomes that a run of a hundred cases and more has to show: without them, the inputs exercise nothing. */
  readonly mustSee: readonly string[];
  /** Whether the slowest input is compared with the time that JSON takes for the same input. */
  readonly timed: boolean;
  readonly close?: () => Promise<void>;
  /**
   * Drives the real code with one input.
   *
   * @returns the name of the outcome, which the run counts
   * @throws when the promise is broken
   */
  check(input: Input): string | Promise<string>;
}

/** A target whose inputs nobody outside has to know. */
export type AnyTarget = FuzzTarget<never>;

/** Makes a target of a module that needs servers or an environment; the run calls it when its turn comes. */
export type Opening = () => Promise<AnyTarget> | AnyTarget;

/** The promise of a target is broken. */
export class Finding extends Error {
  public override readonly name = 'Finding';
}

/** @throws Finding */
export function require(holds: boolean, promise: () => string): void {
  if (!holds) {
    throw new Finding(promise());
  }
}

/** @throws Finding unless the error is one of ours, and its message one short line */
export function requireOwnError(error: unknown, type: abstract new (...args: never[]) => Error, most = 2_000): void {
  require(error instanceof type && error.constructor === type, () =>
    `threw ${describe(error)}, expected ${type.name}`);
  const { message } = error as Error;
  require(isOneLine(message), () => `the message is more than one line: ${JSON.stringify(message)}`);
  require(message.length <= most, () => `the message has ${message.length} characters: ${message.slice(0, 200)}`);
}

export function isOneLine(text: string): boolean {
  return !/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(text);
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.constructor.name}: ${error.message.slice(0, 200)}` : String(error);
}
