import pLimit from 'p-limit';
import { copyImage, ImageJob } from './copy-image';
import { causeOf } from './failure';
import { AdaptiveLimit } from './pace';
import { createReport, failureText, ImageOutcome, imageLine, OutcomeKind, Report, summaryLines } from './report';
import type { SyncDependencies, SyncRun } from './run';
import { sourceRepository } from '../../src/domain/image-name';
import type { Plan } from '../../src/domain/plan';

/** Packages whose inventories are read, and copies that run, at the same time: sized for 2 vCPU and 3 GiB. */
const CONCURRENT_PACKAGES = 8;
const CONCURRENT_COPIES = { start: 8, max: 16 };

/** Brings the packages' repositories up to date. Never throws for one package: what failed is in the report, and the others go on. */
export async function sync(packages: readonly string[], dependencies: SyncDependencies): Promise<Report> {
  const start = dependencies.now();
  const time = new AbortController();
  const timer = setTimeout(() => time.abort(), Math.max(0, dependencies.deadline.stop - start));
  const run: SyncRun = { ...dependencies, copies: new AdaptiveLimit(CONCURRENT_COPIES.start, CONCURRENT_COPIES.max), stopped: time.signal };
  const plans: Plan[] = [];
  const outcomes: ImageOutcome[] = [];
  const copied = new Map<string, Promise<unknown>>();
  const limit = pLimit(CONCURRENT_PACKAGES);
  const copying: Promise<void>[] = [];
  await Promise.all(packages.map(name => limit(() => contained(name, run, outcomes, async () => {
    const { plan } = await run.plan(name);
    plans.push(plan);
    // Not awaited here: the place of this package's inventory goes to the next while its images are copied.
    copying.push(contained(name, run, outcomes, async () => { outcomes.push(...await syncPackage(name, plan, copied, run)); }));
  }))));
  await Promise.all(copying);
  clearTimeout(timer);
  const report = createReport(plans, outcomes, packages.length, (run.now() - start) / 1000);
  summaryLines(report, outcomes).forEach(run.print);
  return report;
}

/** A failure of one package becomes its outcome. */
async function contained(name: string, run: SyncRun, outcomes: ImageOutcome[], work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    outcomes.push(notMirrored(run, { repository: sourceRepository(run.organization, name), tags: [] }, error));
  }
}

async function syncPackage(name: string, plan: Plan, copied: Map<string, Promise<unknown>>, run: SyncRun): Promise<ImageOutcome[]> {
  const conflicts = plan.conflicts.map(({ tag, digest, held }) => said(run, {
    kind: 'conflict',
    repository: plan.repository,
    tags: [tag],
    digest,
    cause: `ECR holds ${held} under this tag, and the repository lets no tag be moved. Delete the tag in ECR, or make the repository mutable.`,
  }));
  if (plan.actions.length === 0) { return conflicts; }
  if (run.dryRun) { return [...conflicts, ...plan.actions.map(action => dryRun(plan, action, run))]; }
  const uri = await run.target.ensureRepository(plan.repository, plan.repositoryExists);
  const outcomes = await Promise.all(plan.actions.map(action => {
    const job: ImageJob = { package: name, repository: plan.repository, uri, action };
    // The same image in another repository waits for the first: what a registry can mount by then is not sent again.
    const before = copied.get(action.digest) ?? Promise.resolve();
    const outcome = before.then(() => run.copies.run(() => act(job, run)));
    copied.set(action.digest, outcome);
    return outcome;
  }));
  return [...conflicts, ...await verify(plan, outcomes, run)];
}

function dryRun({ repository }: Plan, { kind, digest, tags }: ImageJob['action'], run: SyncRun): ImageOutcome {
  run.print(`would ${kind} ${repository}:${tags.join(',')} ${digest}`);
  return { kind: 'left', repository, tags, digest };
}

async function act(job: ImageJob, run: SyncRun): Promise<ImageOutcome> {
  const { repository, action: { digest, tags, kind } } = job;
  const start = run.now();
  if (start >= run.deadline.stopStarting) { return outOfTime(run, { repository, tags, digest }); }
  try {
    const { bytes } = await copyImage(job, run);
    return said(run, { repository, tags, digest, bytes, kind: kind === 'copy' ? 'copied' : 'tagged', seconds: (run.now() - start) / 1000 });
  } catch (error) {
    return run.stopped.aborted ? outOfTime(run, { repository, tags, digest }) : notMirrored(run, { repository, tags, digest }, error);
  }
}

/** Reads the repository back: an image counts as done when ECR says that its tags point to its digest. */
async function verify({ repository }: Plan, outcomes: readonly ImageOutcome[], run: SyncRun): Promise<ImageOutcome[]> {
  const held = await run.target.list(repository);
  return outcomes.map(outcome => {
    const done = outcome.kind === 'copied' || outcome.kind === 'tagged';
    const wrong = done ? outcome.tags.filter(tag => held?.tags.get(tag) !== outcome.digest) : [];
    if (wrong.length === 0) { return outcome; }
    const found = wrong.map(tag => `${tag} -> ${held?.tags.get(tag) ?? 'nothing'}`).join(', ');
    return said(run, {
      ...outcome,
      kind: 'failed',
      cause: `ECR holds ${found} after the copy, expected ${outcome.digest}. Another writer moved the tag, or it was pushed again meanwhile: the next run settles it.`,
    });
  });
}

type Image = Pick<ImageOutcome, 'repository' | 'tags' | 'digest'>;

function notMirrored(run: SyncRun, image: Image, error: unknown): ImageOutcome {
  return said(run, { ...image, kind: kindOf(error, image.tags), cause: failureText(error, image.digest !== undefined) });
}

/** What ECR refuses because of its kind, and is no image, must not make a build red for ever. */
function kindOf(error: unknown, tags: readonly string[]): OutcomeKind {
  const cause = causeOf(String(error));
  if (cause === 'conflict') { return 'conflict'; }
  return cause === 'unsupported' && tags.length > 0 && tags.every(isArtifactTag) ? 'refused' : 'failed';
}

/** Tags that tools give to signatures, attestations and fallback indexes of referrers. */
function isArtifactTag(tag: string): boolean {
  return /^sha256-[0-9a-f]{64}(\.(sig|att|sbom))?$/.test(tag);
}

function outOfTime(run: SyncRun, image: Image): ImageOutcome {
  return said(run, { ...image, kind: 'left', cause: 'the build\'s time is up. The next run copies it; raise `buildTimeout` if this lasts.' });
}

function said(run: SyncRun, outcome: ImageOutcome): ImageOutcome {
  run.print(imageLine(outcome));
  return outcome;
}
