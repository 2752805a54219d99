import { parseArgs } from 'node:util';

export interface BenchArguments {
  readonly json?: string;
  /** Names of scenarios; empty for all. */
  readonly only: readonly string[];
  readonly quick: boolean;
  readonly seed: number;
  /** Round trips in milliseconds. */
  readonly distances: readonly number[];
  readonly connectionRoundTrips: number;
}

export const USAGE = `npm run bench [-- OPTIONS]

  --only NAME             run this scenario alone; may be given several times: SCENARIOS
  --quick                 small inputs, one distance, one setting of each rival, single runs: shows that everything is
                          copied right, not how fast; promises about time are not judged
  --rtt MS                round trip of every server, milliseconds; may be repeated (5 and 30; with --quick 5)
  --connection-rtts N     further round trips for opening a connection: TCP 1, TLS 1.3 1 (2)
  --seed N                the inputs are generated from it (5)
  --json FILE             also write machine, rows and verdicts as JSON
  --help                  this text

Ends with 1 when a copy is not its source's, and with 2 when a promise is missed.`;

const DISTANCES = { full: [5, 30], quick: [5] };

/** @param scenarios their names @throws with the usage when an argument isn't known */
export function parseArguments(args: readonly string[], scenarios: readonly string[]): BenchArguments | 'help' {
  const values = parse(args, scenarios);
  if (values.help) { return 'help'; }
  const only = values.only ?? [];
  const unknown = only.find(name => !scenarios.includes(name));
  if (unknown !== undefined) {
    throw new Error(`--only is "${unknown}", expected one of ${scenarios.join(', ')}.\n\n${usage(scenarios)}`);
  }
  const quick = values.quick ?? false;
  return {
    json: values.json,
    only,
    quick,
    seed: number('seed', values.seed ?? '5'),
    distances: values.rtt?.map(text => number('rtt', text)) ?? (quick ? DISTANCES.quick : DISTANCES.full),
    connectionRoundTrips: number('connection-rtts', values['connection-rtts'] ?? '2'),
  };
}

export function usage(scenarios: readonly string[]): string {
  return USAGE.replace('SCENARIOS', scenarios.join(', '));
}

function parse(args: readonly string[], scenarios: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        'json': { type: 'string' },
        'only': { type: 'string', multiple: true },
        'quick': { type: 'boolean' },
        'seed': { type: 'string' },
        'rtt': { type: 'string', multiple: true },
        'connection-rtts': { type: 'string' },
        'help': { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n\n${usage(scenarios)}`);
  }
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) {
    throw new Error(`--${name} is "${text}", expected a number from 0, such as --${name} 30`);
  }
  return value;
}
