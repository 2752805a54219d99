import { causeOf } from './resilience/causes';
import { fixOf } from './resilience/failure-cause';
import { messageOf } from '../shared/errors';
import type { Plan, SkipReason } from '../shared/plan';

export type OutcomeKind =
  | 'copied'
  | 'tagged'
  /** ECR's repository is immutable and holds the tag with another image. */
  | 'conflict'
  /** An artifact, not an image, of a kind that ECR does not accept. */
  | 'refused'
  /** The build's time was up. */
  | 'left'
  | 'failed';

/** How one image of one package ended. */
export interface ImageOutcome {
  readonly kind: OutcomeKind;
  /** ECR repository. */
  readonly repository: string;
  /** Empty when the package failed before any image. */
  readonly tags: readonly string[];
  readonly digest?: string;
  /** Why it is not mirrored. */
  readonly cause?: string;
  readonly seconds?: number;
  readonly bytes?: number;
}

/** How a whole run ended. Numbers of images, but for `unchanged` and `conflicts`, which count tags. */
export interface Report {
  readonly packages: number;
  readonly copied: number;
  readonly tagged: number;
  readonly unchanged: number;
  readonly conflicts: number;
  readonly refused: number;
  readonly left: number;
  readonly failed: number;
  readonly skipped: Readonly<Partial<Record<SkipReason, number>>>;
  readonly bytes: number;
  readonly seconds: number;
  /** Requests by API; those of skopeo, where it had to help, are not counted. */
  readonly requests: Readonly<Record<string, number>>;
}

/** @param present digest that ECR's tag points to */
export function conflictCause(present: string): string {
  return `ECR holds ${present} under this tag, and the repository lets no tag be moved. Delete the tag in ECR, `
    + 'or make the repository mutable.';
}

export function imageLine(outcome: ImageOutcome): string {
  const { kind, cause, seconds } = outcome;
  return `${kind.padEnd(8)} ${imageName(outcome)}${cause === undefined ? '' : `: ${cause}`}`
    + `${seconds === undefined ? '' : ` (${seconds.toFixed(1)} s)`}`;
}

/**
 * A failure on one line: what happened, and what to do.
 *
 * @param ofImage whether an image failed; what fails a whole package says itself what to do
 */
export function failureText(error: unknown, ofImage: boolean): string {
  const message = messageOf(error).replace(/\s+/g, ' ').trim();
  if (!ofImage) { return message; }
  return `${message}${/[.!?]$/.test(message) ? '' : '.'} ${fixOf(causeOf(error))}`;
}

export function createReport(
  plans: readonly Plan[],
  outcomes: readonly ImageOutcome[],
  packages: number,
  seconds: number,
  requests: Readonly<Record<string, number>>,
): Report {
  const count = (kind: OutcomeKind): number => outcomes.filter(outcome => outcome.kind === kind).length;
  const skipped: Partial<Record<SkipReason, number>> = {};
  for (const plan of plans) {
    for (const [reason, number] of Object.entries(plan.skipped) as [SkipReason, number][]) {
      skipped[reason] = (skipped[reason] ?? 0) + number;
    }
  }
  return {
    packages,
    copied: count('copied'),
    tagged: count('tagged'),
    unchanged: plans.reduce((sum, plan) => sum + plan.unchanged, 0),
    conflicts: count('conflict'),
    refused: count('refused'),
    left: count('left'),
    failed: count('failed'),
    skipped,
    bytes: outcomes.reduce((sum, outcome) => sum + (outcome.bytes ?? 0), 0),
    seconds,
    requests,
  };
}

/** The closing lines: what was not mirrored by name, the counts, and the same for machines. */
export function summaryLines(report: Report, outcomes: readonly ImageOutcome[]): string[] {
  const skipped = Object.entries(report.skipped).map(([reason, number]) => `${number} ${reason}`).join(', ') || 'none';
  const missing = outcomes.filter(({ kind }) => kind !== 'copied' && kind !== 'tagged');
  return [
    ...missing.map(outcome => `not mirrored (${outcome.kind}): ${imageName(outcome)}`),
    `${report.packages} packages: ${report.copied} images copied, ${report.tagged} tagged, `
    + `${report.unchanged} tags unchanged, `
    + `${report.conflicts} conflicts, ${report.refused} refused, ${report.left} left for the next run, `
    + `${report.failed} failed, `
    + `skipped: ${skipped}; ${report.seconds.toFixed(1)} s`,
    JSON.stringify({ summary: report }),
  ];
}

function imageName({ repository, tags, digest }: ImageOutcome): string {
  return `${repository}${tags.length > 0 ? `:${tags.join(',')}` : ''}${digest ? ` ${digest}` : ''}`;
}
