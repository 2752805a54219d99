import type { Plan, SkipReason } from '../../src/domain/plan';

/** How one image of one package ended. */
export interface ImageOutcome {
  readonly kind: 'copied' | 'tagged' | 'failed';
  /** ECR repository. */
  readonly repository: string;
  /** Empty when the package failed before any image. */
  readonly tags: readonly string[];
  readonly digest?: string;
  /** Why it failed. */
  readonly cause?: string;
  readonly seconds?: number;
}

/** How a whole run ended. */
export interface Report {
  readonly packages: number;
  readonly copied: number;
  readonly tagged: number;
  readonly unchanged: number;
  readonly failed: number;
  readonly skipped: Readonly<Partial<Record<SkipReason, number>>>;
  readonly seconds: number;
}

export function imageLine(outcome: ImageOutcome): string {
  const { kind, cause, seconds } = outcome;
  const detail = cause === undefined ? '' : `: ${cause}`;
  return `${kind.padEnd(6)} ${imageName(outcome)}${detail}${seconds === undefined ? '' : ` (${seconds.toFixed(1)} s)`}`;
}

export function createReport(plans: readonly Plan[], outcomes: readonly ImageOutcome[], packages: number, seconds: number): Report {
  const count = (kind: ImageOutcome['kind']): number => outcomes.filter(outcome => outcome.kind === kind).length;
  const skipped: Partial<Record<SkipReason, number>> = {};
  for (const plan of plans) {
    for (const [reason, number] of Object.entries(plan.skipped) as [SkipReason, number][]) { skipped[reason] = (skipped[reason] ?? 0) + number; }
  }
  return {
    packages,
    copied: count('copied'),
    tagged: count('tagged'),
    unchanged: plans.reduce((sum, plan) => sum + plan.unchanged, 0),
    failed: count('failed'),
    skipped,
    seconds,
  };
}

/** The closing lines: the count, and what failed by name. */
export function summaryLines(report: Report, outcomes: readonly ImageOutcome[]): string[] {
  const skipped = Object.entries(report.skipped).map(([reason, number]) => `${number} ${reason}`).join(', ') || 'none';
  const failed = outcomes.filter(({ kind }) => kind === 'failed');
  return [
    `${report.packages} packages: ${report.copied} images copied, ${report.tagged} tagged, ${report.unchanged} tags unchanged, `
    + `${report.failed} failed, skipped: ${skipped}; ${report.seconds.toFixed(1)} s`,
    ...failed.map(outcome => `not mirrored: ${imageName(outcome)}`),
  ];
}

function imageName({ repository, tags, digest }: ImageOutcome): string {
  return `${repository}${tags.length > 0 ? `:${tags.join(',')}` : ''}${digest ? ` ${digest}` : ''}`;
}
