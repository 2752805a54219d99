import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BenchArguments, parseArguments, usage } from './arguments';
import { describeMachine, machineLine } from './machine';
import type { Scenario, ScenarioResult } from './result';
import { restoreBlobCache, saveBlobCache } from './rivals/blob-cache';
import { installRegsync } from './rivals/install';
import { fresh, freshPaced } from './scenarios/fresh';
import { large } from './scenarios/large';
import { planner } from './scenarios/planner';
import { synth } from './scenarios/synth';
import { tags } from './scenarios/tags';
import { unchanged } from './scenarios/unchanged';
import { webhook } from './scenarios/webhook';
import { measurements, verdicts } from './table';

const SCENARIOS: readonly Scenario[] = [fresh, freshPaced, tags, large, unchanged, planner, webhook, synth];
const NAMES = SCENARIOS.map(({ name }) => name);

const say = (line: string): void => { process.stdout.write(`${line}\n`); };

async function main(): Promise<number> {
  const args = parseArguments(process.argv.slice(2), NAMES);
  if (args === 'help') {
    say(usage(NAMES));
    return 0;
  }
  const regsync = installRegsync(say);
  const machine = describeMachine(regsync);
  say(machineLine(machine));
  simulated(args).forEach(say);
  const directory = mkdtempSync(join(tmpdir(), 'ghcr2ecr-bench-run-'));
  const results: ScenarioResult[] = [];
  const start = performance.now();
  saveBlobCache();
  try {
    for (const scenario of SCENARIOS.filter(({ name }) => args.only.length === 0 || args.only.includes(name))) {
      say(`\n${scenario.name}: ${scenario.title}.`);
      results.push(await scenario.run({ ...args, regsync, directory, say }));
    }
  } finally {
    restoreBlobCache();
    rmSync(directory, { recursive: true, force: true });
  }
  const minutes = (performance.now() - start) / 60_000;
  report(results, minutes);
  if (args.json !== undefined) {
    const { rows, verdicts: judged, failures } = together(results);
    writeFileSync(args.json, `${JSON.stringify({ machine, arguments: args, minutes, rows, verdicts: judged, failures }, undefined, 2)}\n`);
  }
  return together(results).failures.length > 0 ? 1 : 0;
}

/** Names the stand-in for each part, so that nobody takes these numbers for those of AWS. */
function simulated({ roundTripMs, connectionRoundTrips, seed }: BenchArguments): string[] {
  return [
    `Simulated: GitHub, GHCR (blobs by redirect) and ECR are stand-ins on loopback, in a process of their own. Every request takes ${roundTripMs} ms, `
    + `the first one on a connection ${connectionRoundTrips * roundTripMs} ms more (TCP, TLS), for every contestant and server alike; bandwidth is loopback's.`,
    `Inputs are generated from seed ${seed}. Times are medians; peak memory is the highest sum over the contestant's process tree. ECR's repositories are `
    + 'made for the rivals before the clock starts; ours makes its own. After every run the digests of all tags, and the children of indexes, are compared.',
  ];
}

function together(results: readonly ScenarioResult[]): ScenarioResult {
  return {
    rows: results.flatMap(({ rows }) => rows),
    verdicts: results.flatMap(({ verdicts: judged }) => judged),
    failures: results.flatMap(({ failures }) => failures),
  };
}

function report(results: readonly ScenarioResult[], minutes: number): void {
  const { rows, verdicts: judged, failures } = together(results);
  say('');
  measurements(rows).forEach(say);
  if (judged.length > 0) {
    say('');
    verdicts(judged).forEach(say);
  }
  say(`\n${judged.filter(({ met }) => met).length} of ${judged.length} promises met, ${minutes.toFixed(1)} minutes.`);
  failures.forEach(failure => say(`INCORRECT: ${failure}`));
}

main().then(
  code => { process.exitCode = code; },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack ?? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
