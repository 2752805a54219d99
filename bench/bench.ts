import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BenchArguments, parseArguments, usage } from './arguments';
import { describeMachine, machineLine } from './machine';
import { MEMORY_SAMPLE_MS } from './measure/process-tree';
import { BenchOptions, Scenario, ScenarioResult, together } from './result';
import { blobCaches } from './rivals/blob-cache';
import { installRivals } from './rivals/install';
import { event } from './scenarios/event';
import { fresh, freshPaced } from './scenarios/fresh';
import { large } from './scenarios/large';
import { planner } from './scenarios/planner';
import { synth } from './scenarios/synth';
import { tags } from './scenarios/tags';
import { unchanged } from './scenarios/unchanged';
import { webhook } from './scenarios/webhook';
import { measurements, verdicts } from './table';

const SCENARIOS: readonly Scenario[] = [fresh, freshPaced, event, tags, large, unchanged, planner, webhook, synth];
const NAMES = SCENARIOS.map(({ name }) => name);

const EXIT = { incorrect: 1, missed: 2 };

const say = (line: string): void => { process.stdout.write(`${line}\n`); };

async function main(): Promise<number> {
  const args = parseArguments(process.argv.slice(2), NAMES);
  if (args === 'help') {
    say(usage(NAMES));
    return 0;
  }
  const programs = installRivals(say);
  const machine = describeMachine(programs);
  say(machineLine(machine));
  simulated(args).forEach(say);
  const directory = mkdtempSync(join(tmpdir(), 'ghcr2ecr-bench-run-'));
  const start = performance.now();
  const result = await runAll(args.only, { ...args, programs, directory, say });
  const minutes = (performance.now() - start) / 60_000;
  report(result, minutes, args.quick);
  if (args.json !== undefined) {
    writeFileSync(args.json, `${JSON.stringify({ machine, arguments: args, minutes, ...result }, undefined, 2)}\n`);
  }
  return exitCode(result, args.quick);
}

/** @param only names of scenarios; empty for all */
async function runAll(only: readonly string[], options: BenchOptions): Promise<ScenarioResult> {
  const results: ScenarioResult[] = [];
  blobCaches.save();
  try {
    for (const scenario of SCENARIOS.filter(({ name }) => only.length === 0 || only.includes(name))) {
      const start = performance.now();
      options.say(`\n${scenario.name}: ${scenario.title}.`);
      results.push(await scenario.run(options));
      options.say(`  ${scenario.name} took ${((performance.now() - start) / 1000).toFixed(0)} s.`);
    }
  } finally {
    blobCaches.restore();
    rmSync(options.directory, { recursive: true, force: true });
  }
  return together(results);
}

/** Names the stand-in for each part, so that nobody takes these numbers for those of AWS. */
function simulated({ distances, connectionRoundTrips, seed }: BenchArguments): string[] {
  return [
    'Simulated: GitHub, GHCR (blobs by redirect) and ECR are stand-ins on loopback, in a process of their own, '
    + 'and speak no TLS. Every request takes a '
    + `round trip of ${distances.join(' or ')} ms, the first one on a connection ${connectionRoundTrips} more (as TCP `
    + 'and TLS need), for every contestant '
    + 'and server alike; bandwidth is loopback\'s. Where a quota of PutImage is named, the stand-in enforces it.',
    `Inputs are generated from seed ${seed}. n is the number of runs; seconds are the median of three or more, `
    + 'and the slowest of fewer. Rivals are swept: '
    + 'each setting is run once and killed when it takes longer than another, then the best runs as often as ours. '
    + 'Peak memory is the highest proportional '
    + `set size (PSS) of the contestant's process tree, every ${MEMORY_SAMPLE_MS} ms. ECR's repositories are made for `
    + 'the rivals before the clock starts; ours '
    + 'makes its own. Programs that copy image by image are given the list of tags. After every run the digests of all '
    + 'tags, and the children of indexes, '
    + 'are compared.',
  ];
}

function report({ rows, verdicts: judged, failures }: ScenarioResult, minutes: number, quick: boolean): void {
  say('');
  measurements(rows).forEach(say);
  if (judged.length > 0 && !quick) {
    say('');
    verdicts(judged).forEach(say);
    say(`\n${judged.filter(({ met }) => met).length} of ${judged.length} promises met.`);
  }
  say(`${minutes.toFixed(1)} minutes.`);
  failures.forEach(failure => say(`INCORRECT: ${failure}`));
}

/** Small inputs and single runs say nothing about time: with `--quick`, only the copies are judged. */
function exitCode({ verdicts: judged, failures }: ScenarioResult, quick: boolean): number {
  if (failures.length > 0) { return EXIT.incorrect; }
  return !quick && judged.some(({ met }) => !met) ? EXIT.missed : 0;
}

main().then(
  code => { process.exitCode = code; },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack ?? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
