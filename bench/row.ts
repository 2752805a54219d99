import { percentile, typical } from './measure/statistics';
import type { Run } from './race';
import type { Row } from './result';
import type { Traffic } from './servers/protocol';

/** A part of the input. */
export interface Sample {
  readonly share: number;
  readonly text: string;
}

/** undefined when the part is the whole. */
export function sampleOf(part: number, packages: number): Sample | undefined {
  return part === packages
    ? undefined
    : { share: part / packages, text: `estimated from ${part} of ${packages} packages` };
}

/**
 * What a contestant's runs come to.
 *
 * @param sample what it got of the input: what grows with the input is scaled up by it
 */
export function rowOf(scenario: string, contestant: string, runs: readonly Run[], sample?: Sample): Row {
  const scale = sample === undefined ? 1 : 1 / sample.share;
  const of = (pick: (run: Run) => number): number => typical(runs.map(pick)) * scale;
  const seconds = runs.map(run => run.seconds * scale);
  const notes = notesOf(runs, sample);
  return {
    scenario,
    contestant,
    runs: runs.length,
    seconds: of(run => run.seconds),
    fastest: percentile(seconds, 0),
    slowest: percentile(seconds, 100),
    requests: Math.round(of(run => requestsOf(run.traffic))),
    requestsBy: requestsBy(of),
    connections: Math.round(of(run => run.traffic.connections)),
    readBytes: of(run => run.traffic.blobBytesRead),
    writtenBytes: of(run => run.traffic.blobBytesWritten),
    // Memory does not grow with the number of images that come one after the other. A promise
    // about it is about the worst run.
    peakBytes: percentile(runs.map(run => run.peakBytes), 100),
    ...(notes.length > 0 && { note: notes.join('; ') }),
    ...((sample !== undefined || runs.some(({ problems }) => problems.length > 0)) && { incomparable: true }),
  };
}

export function requestsOf({ requests }: Traffic): number {
  return Object.values(requests).reduce((sum, count) => sum + count, 0);
}

function requestsBy(of: (pick: (run: Run) => number) => number): Traffic['requests'] {
  return {
    github: Math.round(of(run => run.traffic.requests.github)),
    ghcr: Math.round(of(run => run.traffic.requests.ghcr)),
    ecr: Math.round(of(run => run.traffic.requests.ecr)),
    aws: Math.round(of(run => run.traffic.requests.aws)),
  };
}

function notesOf(runs: readonly Run[], sample: Sample | undefined): string[] {
  const problems = runs.flatMap(run => run.problems);
  const throttled = typical(runs.map(({ traffic }) => traffic.throttled));
  return [
    ...sample === undefined ? [] : [sample.text],
    ...problems.length > 0 ? [`RESULT DIFFERS (${problems.length}): ${problems[0].slice(0, 160)}`] : [],
    ...throttled > 0 ? [`throttled ${throttled} times`] : [],
  ];
}
