import type { Tool } from './rivals/contestant';
import type { Programs } from './rivals/install';
import type { Traffic } from './servers/protocol';

/** One contestant in one scenario at one distance. */
export interface Row {
  readonly scenario: string;
  /** Absent where no network is measured. */
  readonly roundTripMs?: number;
  /** Absent where no program copies. */
  readonly tool?: Tool;
  readonly contestant: string;
  /** Of a program that has some: the fastest of those that competed. */
  readonly setting?: string;
  /** How the others fared: `parallel 4: 5.1 s; parallel 16: over 4.0 s`. */
  readonly swept?: string;
  readonly runs: number;
  /** Median; of fewer than three runs the slowest. */
  readonly seconds: number;
  readonly fastest?: number;
  readonly slowest?: number;
  /** Over all registries and APIs. */
  readonly requests?: number;
  readonly requestsBy?: Traffic['requests'];
  /** Opened, over all of them. */
  readonly connections?: number;
  readonly readBytes?: number;
  readonly writtenBytes?: number;
  readonly peakBytes?: number;
  /** `estimated from 20 of 2000 images`, `result differs from the source` */
  readonly note?: string;
  /** Whether the time can't be compared: it is estimated, or the copy is not the source's. */
  readonly incomparable?: boolean;
}

/** One promise of the project against what was measured. */
export interface Verdict {
  readonly scenario: string;
  readonly what: string;
  /** `24.1x`, `0.98` */
  readonly measured: string;
  readonly threshold: string;
  readonly met: boolean;
}

export interface ScenarioResult {
  readonly rows: readonly Row[];
  readonly verdicts: readonly Verdict[];
  /** Differences between the source and our result. A single one makes the run worthless. */
  readonly failures: readonly string[];
}

export function together(results: readonly ScenarioResult[]): ScenarioResult {
  return {
    rows: results.flatMap(({ rows }) => rows),
    verdicts: results.flatMap(({ verdicts }) => verdicts),
    failures: results.flatMap(({ failures }) => failures),
  };
}

export interface BenchOptions {
  readonly seed: number;
  /** Milliseconds to every server and back; each scenario that copies is run at each of them. */
  readonly distances: readonly number[];
  readonly connectionRoundTrips: number;
  /** Smaller inputs and single runs: does it work, not how fast is it. */
  readonly quick: boolean;
  readonly programs: Programs;
  /** A directory that the run may fill; removed after it. */
  readonly directory: string;
  readonly say: (line: string) => void;
}

export interface Scenario {
  readonly name: string;
  /** One sentence that tells what the scenario measures and what it simulates. */
  readonly title: string;
  run(options: BenchOptions): Promise<ScenarioResult>;
}

/** `rival` needs at least so many times what we need. */
export function atLeast(scenario: string, what: string, rival: number, own: number, factor: number): Verdict {
  return {
    scenario,
    what,
    measured: `${(rival / own).toFixed(2)}x`,
    threshold: `>= ${factor}x`,
    met: rival / own >= factor,
  };
}

export function atMost(scenario: string, what: string, measured: number, limit: number, unit: string): Verdict {
  return {
    scenario,
    what,
    measured: `${measured.toFixed(2)}${unit}`,
    threshold: `<= ${limit}${unit}`,
    met: measured <= limit,
  };
}
