import fc from 'fast-check';
import type { AnyTarget, FuzzTarget } from './target';

export interface FuzzOptions {
  readonly cases: number;
  readonly seed: number;
  /** Where fast-check found the failure of an earlier run: only that case is run. */
  readonly path?: string;
}

export interface FuzzResult {
  readonly name: string;
  readonly cases: number;
  readonly seconds: number;
  readonly outcomes: Readonly<Record<string, number>>;
  /** Time of the slowest input, in multiples of the time that JSON takes for it; undefined when it was not measured. */
  readonly slowest?: number;
  /** The broken promise with the input that breaks it; undefined when all holds. */
  readonly failure?: string;
}

/**
 * The slowest input may take this many times as long as its way through JSON and back. A search that goes back and
 * forth takes thousands of times as long on a text of a few hundred characters.
 */
const SLOWEST = 300;

/** Inputs that take less, in milliseconds, are not compared: the timer and the compiler decide their time. */
const MEASURABLE_MS = 0.02;

/** Outcomes are required of runs that have this many cases at least. */
const ENOUGH_CASES = 100;

export async function fuzz(target: AnyTarget, options: FuzzOptions): Promise<FuzzResult> {
  const run = new Run(target as unknown as FuzzTarget<unknown>);
  const start = performance.now();
  const details = await fc.check(run.property(), {
    numRuns: options.cases,
    seed: options.seed,
    ...(options.path === undefined ? {} : { path: options.path }),
  });
  const seconds = (performance.now() - start) / 1000;
  const slowest = await run.slowestRatio();
  const { name } = target;
  const failure = details.failed ? broken(details) : run.shortcoming(details.numRuns, slowest);
  return { name, cases: details.numRuns, seconds, outcomes: Object.fromEntries(run.outcomes), slowest, failure };
}

class Run {
  public readonly outcomes = new Map<string, number>();
  private slowest: { readonly input: unknown; readonly ms: number } | undefined;

  constructor(private readonly target: FuzzTarget<unknown>) {}

  public property(): fc.IRawProperty<[unknown], boolean> {
    return fc.asyncProperty(this.target.input, async input => {
      const start = performance.now();
      const outcome = await this.target.check(input);
      const ms = performance.now() - start;
      this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
      if (this.target.timed && ms > (this.slowest?.ms ?? 0)) {
        this.slowest = { input, ms };
      }
    });
  }

  /** The fastest of several tries, of the check and of JSON side by side, so that a busy machine counts for nothing. */
  public async slowestRatio(): Promise<number | undefined> {
    if (this.slowest === undefined) {
      return undefined;
    }
    const { input } = this.slowest;
    const own = await fastest(() => this.target.check(input));
    const json = await fastest(() => JSON.parse(JSON.stringify(plain(input))) as unknown);
    return own < MEASURABLE_MS ? 0 : own / Math.max(json, MEASURABLE_MS);
  }

  public shortcoming(cases: number, slowest: number | undefined): string | undefined {
    const missing = this.target.mustSee.filter(outcome => !this.outcomes.has(outcome));
    if (cases >= ENOUGH_CASES && missing.length > 0) {
      return `no case ended as: ${missing.join(', ')}`;
    }
    return slowest !== undefined && slowest > SLOWEST
      ? `an input takes ${slowest.toFixed(0)} times as long as JSON: ${inputText(this.slowest?.input)}`
      : undefined;
  }
}

function broken({ errorInstance, counterexample, counterexamplePath }: fc.RunDetails<[unknown]>): string {
  const error =
    errorInstance instanceof Error ? `${errorInstance.name}: ${errorInstance.message}` : String(errorInstance);
  const input = inputText(counterexample?.[0]);
  return `${error}\n    input: ${input}\n    again: --path ${counterexamplePath}`;
}

async function fastest(work: () => unknown): Promise<number> {
  let best = Infinity;
  for (let turn = 0; turn < 7; turn++) {
    const start = performance.now();
    await work();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

function inputText(input: unknown): string {
  return JSON.stringify(plain(input)).slice(0, 4_000);
}

/** Bytes as the text that they are in Latin-1, so that a counterexample can be read. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) {
    return Buffer.from(value).toString('latin1');
  }
  if (Array.isArray(value)) {
    return value.map(plain);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
}
