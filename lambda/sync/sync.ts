import { setMaxListeners } from 'node:events';
import pLimit from 'p-limit';
import type { SyncDependencies, SyncRun } from './context';
import { copyImage, ImageJob } from './copy/image';
import { ArtifactRefused, ManifestCopier } from './copy/manifests';
import { conflictCause, createReport, failureText, ImageOutcome, imageLine, OutcomeKind, Report, summaryLines } from './report';
import { causeOf } from './resilience/failure';
import { AdaptiveLimit } from './resilience/pace';
import { Logins } from './resilience/retrying';
import { verify } from './verify';
import { sourceRepository } from '../../src/image-name';
import type { PlannedPackage } from '../shared/inventory';
import type { Plan } from '../shared/plan';

/**
 * Packages whose inventories are read, images that are worked on, and blobs that are moved at the same time. A blob takes about a
 * megabyte of memory while it moves, whatever its size: this fits 2 vCPU and 3 GiB.
 */
const CONCURRENT_PACKAGES = 16;
const CONCURRENT_IMAGES = 24;
const CONCURRENT_COPIES = { start: 16, max: 32 };

/** Brings the packages' repositories up to date. Never throws for one package: what failed is in the report, and the others go on. */
export async function sync(packages: readonly string[], dependencies: SyncDependencies): Promise<Report> {
  const start = dependencies.now();
  const time = new AbortController();
  // Every request that runs listens.
  setMaxListeners(0, time.signal);
  const timer = setTimeout(() => time.abort(), Math.max(0, dependencies.deadline.stop - start));
  const run: SyncRun = {
    ...dependencies,
    copies: new AdaptiveLimit(CONCURRENT_COPIES.start, CONCURRENT_COPIES.max),
    logins: new Logins(dependencies.login),
    blobHomes: new Map(),
    stopped: time.signal,
  };
  const work = new Work(run);
  const limit = pLimit(CONCURRENT_PACKAGES);
  const copying: Promise<void>[] = [];
  await Promise.all(packages.map(name => limit(() => work.contained(name, async () => {
    const planned = await run.plan(name);
    work.plans.push(planned.plan);
    // Not awaited here: the place of this package's inventory goes to the next while its images are copied.
    copying.push(work.contained(name, () => work.package(planned)));
  }))));
  await Promise.all(copying);
  clearTimeout(timer);
  const report = createReport(work.plans, work.outcomes, packages.length, (run.now() - start) / 1000, run.requests());
  summaryLines(report, work.outcomes).forEach(run.print);
  return report;
}

/** All packages of a run, and how they ended. */
class Work {
  public readonly plans: Plan[] = [];
  public readonly outcomes: ImageOutcome[] = [];
  private readonly images = pLimit(CONCURRENT_IMAGES);
  /** The first copy of each image into any repository. */
  private readonly firsts = new Map<string, Promise<unknown>>();

  constructor(private readonly run: SyncRun) {}

  /** A failure of one package becomes its outcome. */
  public async contained(name: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.outcomes.push(notMirrored(this.run, { repository: sourceRepository(this.run.organization, name), tags: [] }, error));
    }
  }

  public async package({ package: name, plan, held }: PlannedPackage): Promise<void> {
    const { run } = this;
    this.outcomes.push(...plan.conflicts.map(({ tag, digest, held: other }) =>
      said(run, { kind: 'conflict', repository: plan.repository, tags: [tag], digest, cause: conflictCause(other) })));
    if (plan.actions.length === 0) { return; }
    if (run.dryRun) {
      this.outcomes.push(...plan.actions.map(action => dryRun(plan, action, run)));
      return;
    }
    const uri = await run.target.ensureRepository(plan.repository, plan.repositoryExists);
    const place = { package: name, repository: plan.repository, uri };
    const manifests = new ManifestCopier(place, held, plan.repositoryExists, run);
    const outcomes = await Promise.all(plan.actions.map(action => this.image({ ...place, action, manifests })));
    const verified = await verify(plan.repository, outcomes, run);
    this.outcomes.push(...verified.map((outcome, at) => outcome === outcomes[at] ? outcome : said(run, outcome)));
  }

  /** The same image in another repository waits for the first: what a registry can mount by then is not sent again. */
  private async image(job: ImageJob): Promise<ImageOutcome> {
    const { digest } = job.action;
    const first = this.firsts.get(digest);
    if (first !== undefined) {
      await first;
      return this.images(() => act(job, this.run));
    }
    const outcome = this.images(() => act(job, this.run));
    this.firsts.set(digest, outcome);
    return outcome;
  }
}

function dryRun({ repository }: Plan, { kind, digest, tags }: ImageJob['action'], run: SyncRun): ImageOutcome {
  run.print(`would ${kind} ${repository}:${tags.join(',')} ${digest}`);
  return { kind: 'left', repository, tags, digest };
}

async function act(job: ImageJob, run: SyncRun): Promise<ImageOutcome> {
  const { repository, action: { digest, tags } } = job;
  const start = run.now();
  if (start >= run.deadline.stopStarting) { return outOfTime(run, { repository, tags, digest }); }
  try {
    const result = await copyImage(job, run);
    return said(run, { repository, tags, digest, ...result, seconds: (run.now() - start) / 1000 });
  } catch (error) {
    return run.stopped.aborted ? outOfTime(run, { repository, tags, digest }) : notMirrored(run, { repository, tags, digest }, error);
  }
}

type Image = Pick<ImageOutcome, 'repository' | 'tags' | 'digest'>;

function notMirrored(run: SyncRun, image: Image, error: unknown): ImageOutcome {
  return said(run, { ...image, kind: kindOf(error, image.tags), cause: failureText(error, image.digest !== undefined) });
}

/** What ECR refuses because of its kind, and is no image, must not make a build red for ever. */
function kindOf(error: unknown, tags: readonly string[]): OutcomeKind {
  const cause = causeOf(String(error));
  if (cause === 'conflict') { return 'conflict'; }
  return error instanceof ArtifactRefused || (cause === 'unsupported' && tags.length > 0 && tags.every(isArtifactTag)) ? 'refused' : 'failed';
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
