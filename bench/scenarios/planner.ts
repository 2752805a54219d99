import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { runCommand } from '../measure/command';
import { growthExponent, median } from '../measure/statistics';
import { BenchOptions, Row, Scenario, Verdict } from '../result';

const SIZES = [200, 400, 800, 1400, 2000];
const TAGS = 100;

/** Output of the child process, as JSON. */
interface Planned {
  readonly seconds: number;
  readonly actions: number;
  readonly unchanged: number;
  readonly peakBytes: number;
}

export const planner: Scenario = {
  name: 'planner',
  title: `plan() alone, a process of its own for each size: packages x ${TAGS} tags, every tenth tag missing or moved; `
    + 'the plans of all packages are kept',
  run: async options => {
    const program = join(options.directory, 'plan.js');
    buildSync({
      entryPoints: [join(__dirname, 'planner-program.ts')],
      bundle: true,
      platform: 'node',
      outfile: program,
    });
    const sizes = options.quick ? SIZES.slice(0, 3) : SIZES;
    const rows: (Row & { readonly size: number })[] = [];
    for (const size of sizes) {
      const runs: Planned[] = [];
      for (let round = 0; round < (options.quick ? 1 : 5); round++) { runs.push(await plan(program, size, options)); }
      rows.push({
        size,
        scenario: planner.name,
        contestant: `plan(), ${size} packages`,
        runs: runs.length,
        seconds: median(runs.map(run => run.seconds)),
        peakBytes: Math.max(...runs.map(run => run.peakBytes)),
        note: `${runs[0].actions} actions, ${runs[0].unchanged} unchanged`,
      });
      options.say(`  planner: ${size} packages: ${rows[rows.length - 1].seconds.toFixed(3)} s`);
    }
    return { rows: rows.map(({ size: _, ...row }) => row), verdicts: verdictsOf(rows), failures: [] };
  },
};

function verdictsOf(rows: readonly (Row & { readonly size: number })[]): Verdict[] {
  const exponent = growthExponent(rows.map(({ size, seconds }) => ({ size, cost: seconds })));
  const megabytes = Math.max(...rows.map(({ peakBytes }) => peakBytes ?? 0)) / 1e6;
  return [
    // A line through measured times of a process that warms up is never exactly 1.
    {
      scenario: planner.name,
      what: 'exponent of growth (1 = linear)',
      measured: exponent.toFixed(2),
      threshold: '<= 1.15',
      met: exponent <= 1.15,
    },
    {
      scenario: planner.name,
      what: 'peak memory of the process',
      measured: `${megabytes.toFixed(0)} MB`,
      threshold: '< 300 MB',
      met: megabytes < 300,
    },
  ];
}

async function plan(program: string, packages: number, { seed }: BenchOptions): Promise<Planned> {
  const args = [program, ...[packages, TAGS, seed].map(String)];
  const { code, output } = await runCommand({ program: process.execPath, args, environment: {} });
  if (code !== 0) { throw new Error(`the planner's process ended with ${String(code)}: ${output}`); }
  return JSON.parse(output) as Planned;
}
