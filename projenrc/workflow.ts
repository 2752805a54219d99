/** The parts of a workflow that are rewritten. */
export interface Step {
  readonly [key: string]: unknown;
  readonly id?: string;
  readonly name?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, unknown>>;
  readonly with?: Readonly<Record<string, unknown>>;
}

export interface Job {
  readonly [key: string]: unknown;
  readonly environment?: string;
  readonly steps: readonly Step[];
}
