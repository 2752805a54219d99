import { parseArguments, USAGE } from './arguments';
import { fuzz, FuzzResult } from './run';
import type { Opening } from './target';
import { TARGETS } from './targets';

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

async function main(): Promise<number> {
  const args = parseArguments(process.argv.slice(2), Object.keys(TARGETS), Date.now());
  if (args === 'help') {
    say(USAGE);
    return 0;
  }
  const openings = Object.entries(TARGETS).filter(([name]) => args.only.length === 0 || args.only.includes(name));
  say(`${args.cases} cases, --seed ${args.seed}`);
  const start = performance.now();
  const results: FuzzResult[] = [];
  for (const [name, open] of openings) {
    const result = await runTarget(open, { ...args, alone: args.only.length > 0 ? openings.length : undefined });
    results.push(result);
    say(line(name, result));
  }
  summary(results, (performance.now() - start) / 1000);
  return results.some(({ failure }) => failure !== undefined) ? 1 : 0;
}

interface TurnOptions {
  readonly cases: number;
  readonly seed: number;
  readonly path?: string;
  /** Number of targets that share all cases; undefined when each has its own share. */
  readonly alone: number | undefined;
}

async function runTarget(open: Opening, { cases, seed, path, alone }: TurnOptions): Promise<FuzzResult> {
  const target = await open();
  const own = Math.ceil(alone === undefined ? (cases * target.share) / 1000 : cases / alone);
  try {
    return await fuzz(target, { cases: own, seed, path });
  } finally {
    await target.close?.();
  }
}

function line(name: string, { cases, seconds, outcomes, slowest, failure }: FuzzResult): string {
  const counts = Object.entries(outcomes)
    .map(([outcome, count]) => `${count} ${outcome}`)
    .join(', ');
  const time = slowest === undefined ? '' : `; slowest ${slowest.toFixed(0)} x JSON`;
  const verdict = failure === undefined ? '' : `\n  FAILED: ${failure}`;
  const run = `${String(cases).padStart(7)} cases ${seconds.toFixed(1).padStart(6)} s`;
  return `${name.padEnd(20)} ${run}  ${counts}${time}${verdict}`;
}

function summary(results: readonly FuzzResult[], seconds: number): void {
  const cases = results.reduce((sum, result) => sum + result.cases, 0);
  const failed = results.filter(({ failure }) => failure !== undefined);
  const slowest = [...results].sort((one, other) => (other.slowest ?? 0) - (one.slowest ?? 0))[0];
  say(`${cases} cases in ${seconds.toFixed(0)} s, ${failed.length} of ${results.length} targets failed`);
  say(
    `worst: ${
      failed.length > 0
        ? failed.map(({ name }) => name).join(', ')
        : `an input of ${slowest.name} takes ${(slowest.slowest ?? 0).toFixed(0)} times as long as JSON`
    }`,
  );
}

main().then(
  code => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 1;
  },
);
