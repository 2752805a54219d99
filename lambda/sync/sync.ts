import pLimit from 'p-limit';
import { createReport, ImageOutcome, imageLine, Report, summaryLines } from './report';
import { withRetry } from './retry';
import type { ImageCopier } from './skopeo';
import { sourceRepository } from '../../src/domain/image-name';
import type { Action, CopyAction, Plan, TargetImages } from '../../src/domain/plan';
import type { PlannedPackage } from '../shared/inventory';

/** Packages worked on at the same time, and copies of all packages together: a small build machine has two cores. */
const CONCURRENT_PACKAGES = 8;
const CONCURRENT_COPIES = 4;

/** The part of ECR that the sync writes to. */
export interface Target {
  /** URI of the repository, created when it isn't there. */
  ensureRepository(repository: string, exists: boolean): Promise<string>;
  /** Points tags to an image that the repository has. */
  tag(repository: string, digest: string, tags: readonly string[]): Promise<void>;
  /** What the repository holds now. */
  list(repository: string): Promise<TargetImages | undefined>;
}

export interface SyncDependencies {
  readonly organization: string;
  /** `ghcr.io` */
  readonly registryHost: string;
  readonly plan: (packageName: string) => Promise<PlannedPackage>;
  readonly target: Target;
  readonly copier: ImageCopier;
  readonly print: (line: string) => void;
  readonly sleep: (ms: number) => Promise<unknown>;
  readonly random: () => number;
  readonly now: () => number;
}

interface Run extends SyncDependencies {
  readonly copies: ReturnType<typeof pLimit>;
}

/** Brings the packages' repositories up to date. Never throws for one package: what failed is in the report, and the others go on. */
export async function sync(packages: readonly string[], dependencies: SyncDependencies): Promise<Report> {
  const start = dependencies.now();
  const run: Run = { ...dependencies, copies: pLimit(CONCURRENT_COPIES) };
  const plans: Plan[] = [];
  const outcomes: ImageOutcome[] = [];
  const limit = pLimit(CONCURRENT_PACKAGES);
  await Promise.all(packages.map(name => limit(async () => {
    try {
      const { plan } = await run.plan(name);
      plans.push(plan);
      outcomes.push(...await syncPackage(name, plan, run));
    } catch (error) {
      outcomes.push(fail(run, { repository: sourceRepository(run.organization, name), tags: [] }, error));
    }
  })));
  const report = createReport(plans, outcomes, packages.length, (run.now() - start) / 1000);
  summaryLines(report, outcomes).forEach(run.print);
  return report;
}

async function syncPackage(name: string, plan: Plan, run: Run): Promise<ImageOutcome[]> {
  if (plan.actions.length === 0) { return []; }
  const uri = await run.target.ensureRepository(plan.repository, plan.repositoryExists);
  const outcomes = await Promise.all(plan.actions.map(action => run.copies(() => act(name, plan, action, uri, run))));
  return verify(plan, outcomes, run);
}

async function act(name: string, { repository }: Plan, action: Action, uri: string, run: Run): Promise<ImageOutcome> {
  const start = run.now();
  const image = { repository, tags: action.tags, digest: action.digest };
  try {
    if (action.kind === 'copy') { await copy(name, repository, action, uri, run); } else { await run.target.tag(repository, action.digest, action.tags); }
  } catch (error) {
    return fail(run, image, error);
  }
  const outcome: ImageOutcome = { ...image, kind: action.kind === 'copy' ? 'copied' : 'tagged', seconds: (run.now() - start) / 1000 };
  run.print(imageLine(outcome));
  return outcome;
}

/** Bytes move once, to the first tag; the others are pointers to the same image. */
async function copy(name: string, repository: string, { digest, tags: [first, ...others] }: CopyAction, uri: string, run: Run): Promise<void> {
  const source = `${run.registryHost}/${sourceRepository(run.organization, name)}@${digest}`;
  await withRetry(() => run.copier.copy(source, `${uri}:${first}`), {
    sleep: run.sleep,
    random: run.random,
    onRetry: (error, wait) => run.print(`retry  ${repository}:${first} ${digest} in ${(wait / 1000).toFixed(1)} s: ${error.message}`),
  });
  if (others.length > 0) { await run.target.tag(repository, digest, others); }
}

/** Reads the repository back: an image counts as done when ECR says that its tags point to its digest. */
async function verify({ repository }: Plan, outcomes: readonly ImageOutcome[], run: Run): Promise<ImageOutcome[]> {
  const held = await run.target.list(repository);
  return outcomes.map(outcome => {
    const wrong = outcome.kind === 'failed' ? [] : outcome.tags.filter(tag => held?.tags.get(tag) !== outcome.digest);
    if (wrong.length === 0) { return outcome; }
    const found = wrong.map(tag => `${tag} -> ${held?.tags.get(tag) ?? 'nothing'}`).join(', ');
    return fail(run, outcome, new Error(`ECR holds ${found} after the copy, expected ${outcome.digest}. Another writer moved the tag, or it was pushed again meanwhile: the next run settles it.`));
  });
}

function fail(run: Run, { repository, tags, digest }: Pick<ImageOutcome, 'repository' | 'tags' | 'digest'>, error: unknown): ImageOutcome {
  const outcome: ImageOutcome = { repository, tags, digest, kind: 'failed', cause: error instanceof Error ? error.message : String(error) };
  run.print(imageLine(outcome));
  return outcome;
}
