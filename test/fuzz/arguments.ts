import { parseArgs } from 'node:util';

export interface FuzzArguments {
  /** Of all targets together. */
  readonly cases: number;
  readonly seed: number;
  /** Names of targets; empty for all of them. */
  readonly only: readonly string[];
  readonly path?: string;
}

export const USAGE = `npm run fuzz [-- OPTIONS]

  --cases N       number of cases, of all targets together (default 1000000)
  --seed N        seed of the random inputs (default: one of the clock, which is printed)
  --only NAME     one target alone, with all of the cases; may be given several times
  --path PATH     one case alone, as a failure names it; needs --seed and --only
  --help          this text`;

/** @throws with the usage when an argument isn't known */
export function parseArguments(
  args: readonly string[],
  names: readonly string[],
  clock: number,
): FuzzArguments | 'help' {
  const { values } = parse(args);
  if (values.help) {
    return 'help';
  }
  const only = values.only ?? [];
  const unknown = only.filter(name => !names.includes(name));
  if (unknown.length > 0) {
    throw usage(`--only is "${unknown.join('", "')}", expected one of ${names.join(', ')}`);
  }
  if (values.path !== undefined && (only.length !== 1 || values.seed === undefined)) {
    throw usage('--path names a case of one seed and target: give --seed and --only, too');
  }
  const seed = integer('seed', values.seed ?? String(clock % 2 ** 31), 0);
  return { cases: integer('cases', values.cases ?? '1000000', 1), seed, only, path: values.path };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        cases: { type: 'string' },
        seed: { type: 'string' },
        only: { type: 'string', multiple: true },
        path: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
}

function integer(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least) {
    throw usage(`--${name} is "${text}", expected a whole number of at least ${least}`);
  }
  return value;
}

function usage(problem: string): Error {
  return new Error(`${problem}.\n\n${USAGE}`);
}
