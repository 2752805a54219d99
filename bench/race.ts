import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { InputShape } from './inputs';
import { CommandResult, runCommand } from './measure/command';
import type { BenchOptions } from './result';
import { blobCaches } from './rivals/blob-cache';
import type { Contestant, Work } from './rivals/contestant';
import type { Traffic } from './servers/protocol';
import type { Servers } from './servers/servers';
import type { Verified } from './servers/verify';

/** One run of one contestant, with what it did to the wires. */
export interface Run {
  readonly seconds: number;
  readonly peakBytes: number;
  readonly traffic: Traffic;
  /** Whether it was killed, because it had taken longer than another setting of the same program. */
  readonly stopped?: boolean;
  /** Empty when every digest is the source's. */
  readonly problems: readonly string[];
}

/** Servers with an input, at one distance. */
export interface Race extends Pick<BenchOptions, 'directory' | 'say'> {
  readonly scenario: string;
  readonly roundTripMs: number;
  readonly servers: Servers;
  readonly input: InputShape;
}

export interface RunOptions {
  readonly work: Work;
  /** @default an empty place of its own */
  readonly prefix?: string;
  /** Kills the contestant after this time. @default none */
  readonly limitSeconds?: number;
}

let races = 0;

/** Runs a program over a part of the input, and compares what came out. */
export async function runOnce(
  contestant: Contestant,
  name: string,
  race: Race,
  { work, prefix, limitSeconds }: RunOptions,
): Promise<Run> {
  const { servers, directory, say, scenario, roundTripMs } = race;
  const number = ++races;
  const into = prefix ?? `${servers.addresses.namespace}/run-${number}`;
  const home = join(directory, `run-${number}`);
  mkdirSync(home, { recursive: true });
  if (prefix === undefined && !contestant.createsRepositories) { await servers.ask('createRepositories', into); }
  const command = contestant.prepare({ ...work, addresses: servers.addresses, prefix: into, directory: home });
  blobCaches.forget();
  await servers.ask('mark');
  const result = await runCommand(command, limitSeconds);
  const traffic = await servers.ask('traffic');
  const heading = `  ${scenario}, ${roundTripMs} ms: ${name}${contestant.setting && `, ${contestant.setting}`}:`;
  if (result.stopped) {
    say(`${heading} killed after ${result.seconds.toFixed(2)} s, which another setting did not need`);
    return { ...result, traffic, problems: [] };
  }
  const { compared, different } = await servers.ask('verify', { prefix: into, packages: work.packages.length });
  say(`${heading} ${runText(result.seconds, traffic, { compared, different })}`);
  return { ...result, traffic, problems: problemsOf(result, different) };
}

export function runText(seconds: number, traffic: Traffic, { compared, different }: Verified): string {
  const requests = Object.entries(traffic.requests).map(([name, count]) => `${name} ${count}`).join(', ');
  return `${seconds.toFixed(2)} s, requests: ${requests}, ${compared} tags compared, ${different.length} differ`;
}

function problemsOf({ code, output }: CommandResult, different: readonly string[]): string[] {
  const lastLines = output.trim().split('\n').slice(-3).join(' | ').slice(0, 600);
  return [...code === 0 ? [] : [`ended with ${String(code)}: ${lastLines}`], ...different];
}
