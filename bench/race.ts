import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { packageNames, InputShape } from './inputs';
import { CommandResult, runCommand } from './measure/command';
import { median } from './measure/statistics';
import type { BenchOptions, Row } from './result';
import { forgetBlobs } from './rivals/blob-cache';
import type { Contestant } from './rivals/contestant';
import type { Traffic } from './servers/protocol';
import type { Servers } from './servers/servers';
import type { Verified } from './servers/verify';

/** One run of one contestant, with what it did to the wires. */
export interface Run {
  readonly seconds: number;
  readonly peakBytes: number;
  readonly traffic: Traffic;
  /** Empty when every digest is the source's. */
  readonly problems: readonly string[];
}

export interface RaceOptions extends Pick<BenchOptions, 'directory' | 'say'> {
  readonly scenario: string;
  readonly servers: Servers;
  readonly input: InputShape;
}

let races = 0;

/**
 * Runs a program over the first packages of the input.
 *
 * @param prefix where to; by default an empty place of its own
 */
export async function runOnce(contestant: Contestant, race: RaceOptions, packages = race.input.packages, prefix?: string): Promise<Run> {
  const { servers, directory, say, scenario } = race;
  const number = ++races;
  const into = prefix ?? `${servers.addresses.namespace}/run-${number}`;
  const home = join(directory, `run-${number}`);
  mkdirSync(home, { recursive: true });
  if (prefix === undefined && !contestant.createsRepositories) { await servers.ask('createRepositories', into); }
  const command = contestant.prepare({ addresses: servers.addresses, prefix: into, packages: packageNames({ packages }), directory: home });
  forgetBlobs();
  await servers.ask('mark');
  const result = await runCommand(command);
  const traffic = await servers.ask('traffic');
  const { compared, different } = await servers.ask('verify', { prefix: into, packages });
  say(runLine(scenario, contestant.name, result.seconds, traffic, { compared, different }));
  return { ...result, traffic, problems: problemsOf(result, different) };
}

export function runLine(scenario: string, contestant: string, seconds: number, traffic: Traffic, { compared, different }: Verified): string {
  const requests = Object.entries(traffic.requests).map(([name, count]) => `${name} ${count}`).join(', ');
  return `  ${scenario}: ${contestant}: ${seconds.toFixed(2)} s, requests: ${requests}, ${compared} tags compared, ${different.length} differ`;
}

function problemsOf({ code, output }: CommandResult, different: readonly string[]): string[] {
  const ended = code === 0 ? [] : [`ended with ${String(code)}: ${output.trim().split('\n').slice(-3).join(' | ').slice(0, 600)}`];
  return [...ended, ...different];
}

export function requestsOf({ requests }: Traffic): number {
  return Object.values(requests).reduce((sum, count) => sum + count, 0);
}

/** A part of the input. */
export interface Sample {
  readonly share: number;
  readonly text: string;
}

/** undefined when the part is the whole. */
export function sampleOf(part: number, packages: number): Sample | undefined {
  return part === packages ? undefined : { share: part / packages, text: `estimated from ${part} of ${packages} packages` };
}

/** Medians of a contestant's runs. @param sample what it got of the input: what grows with the input is scaled up by it */
export function rowOf(scenario: string, contestant: string, runs: readonly Run[], sample?: Sample): Row {
  const scale = sample === undefined ? 1 : 1 / sample.share;
  const of = (pick: (run: Run) => number): number => median(runs.map(pick)) * scale;
  const problems = runs.flatMap(run => run.problems);
  const notes = [
    ...sample === undefined ? [] : [sample.text],
    ...problems.length > 0 ? [`RESULT DIFFERS (${problems.length}): ${problems[0].slice(0, 160)}`] : [],
    ...runs.some(({ traffic }) => traffic.throttled > 0) ? [`throttled ${median(runs.map(({ traffic }) => traffic.throttled))} times`] : [],
  ];
  return {
    scenario,
    contestant,
    runs: runs.length,
    seconds: of(run => run.seconds),
    requests: Math.round(of(run => requestsOf(run.traffic))),
    requestsBy: {
      github: Math.round(of(run => run.traffic.requests.github)),
      ghcr: Math.round(of(run => run.traffic.requests.ghcr)),
      ecr: Math.round(of(run => run.traffic.requests.ecr)),
      aws: Math.round(of(run => run.traffic.requests.aws)),
    },
    connections: Math.round(of(run => run.traffic.connections)),
    readBytes: of(run => run.traffic.blobBytesRead),
    writtenBytes: of(run => run.traffic.blobBytesWritten),
    // Memory does not grow with the number of images that come one after the other.
    peakBytes: median(runs.map(run => run.peakBytes)),
    ...(notes.length > 0 && { note: notes.join('; ') }),
  };
}

/** The settings of regsync's `parallel` that compete; the best counts. */
export const REGSYNC_PARALLEL = [4, 8, 16] as const;

export function fastest<T extends { readonly seconds: number }>(rows: readonly T[]): T | undefined {
  return [...rows].sort((a, b) => a.seconds - b.seconds)[0];
}
