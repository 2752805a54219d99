import { setMaxListeners } from 'node:events';
import pLimit from 'p-limit';
import type { SyncDependencies, SyncRun } from './context';
import { copyImage, ImageJob } from './copy/image';
import { ArtifactRefused, ManifestCopier } from './copy/manifests';
import {
  conflictCause,
  createReport,
  failureText,
  ImageOutcome,
  imageLine,
  OutcomeKind,
  Report,
  summaryLines,
} from './report';
import { AimdLimit } from './resilience/aimd-limit';
import { causeOf } from './resilience/causes';
import { LoginRenewal } from './resilience/login-renewal';
import { retrying } from './resilience/retry';
import { placeBySource, TagMover } from './source-tags';
import { verify } from './verify';
import { CopyEngine } from '../../src/contract/copy-engine';
import { sourceRepository } from '../../src/image-name';
import type { PlannedPackage } from '../shared/inventory';
import type { Action, Plan } from '../shared/plan';
import { settleAll } from '../shared/settle-all';

/**
 * How many packages are planned, images copied and blobs moved at the same time. A blob takes about a megabyte of
 * memory while it moves, whatever its size: this fits 2 vCPU and 3 GiB.
 */
const CONCURRENT_PACKAGES = 16;
const CONCURRENT_IMAGES = 64;
const CONCURRENT_BLOBS = { start: 32, max: 64 };

/**
 * How many manifests are read, copied and put at the same time. An index holds no place while its children are copied.
 */
const CONCURRENT_MANIFESTS = 32;

/**
 * Brings the packages' repositories up to date. A package that fails is in the report, and does not stop the others.
 */
export async function sync(packages: readonly string[], dependencies: SyncDependencies): Promise<Report> {
  const start = dependencies.now();
  const time = new AbortController();
  // Every request in flight adds a listener.
  setMaxListeners(0, time.signal);
  const timer = setTimeout(() => time.abort(), Math.max(0, dependencies.deadline.stop - start));
  const run: SyncRun = {
    ...dependencies,
    blobConcurrency: new AimdLimit(CONCURRENT_BLOBS.start, CONCURRENT_BLOBS.max),
    processes: new AimdLimit(dependencies.concurrentProcesses, dependencies.concurrentProcesses),
    manifests: pLimit(CONCURRENT_MANIFESTS),
    logins: new LoginRenewal(dependencies.renewLogins),
    mountSources: new Map(),
    severalPackages: packages.length > 1,
    stopped: time.signal,
  };
  const job = new SyncJob(run);
  const limit = pLimit(CONCURRENT_PACKAGES);
  const copying: Promise<void>[] = [];
  await Promise.all(packages.map(name => limit(() => job.contained(name, async () => {
    const planned = await run.plan(name);
    job.plans.push(planned.plan);
    // Not awaited here: the next package is planned while this one's images are copied.
    copying.push(job.contained(name, () => job.package(planned)));
  }))));
  await Promise.all(copying);
  clearTimeout(timer);
  const report = createReport(job.plans, job.outcomes, packages.length, (run.now() - start) / 1000, run.requests());
  summaryLines(report, job.outcomes).forEach(run.print);
  return report;
}

/** Work on one image. */
type Work = () => Promise<ImageOutcome[]>;

/** The packages of a run and the outcomes so far. */
class SyncJob {
  public readonly plans: Plan[] = [];
  public readonly outcomes: ImageOutcome[] = [];
  private readonly firsts = pLimit(CONCURRENT_IMAGES);
  private readonly others = pLimit(CONCURRENT_IMAGES);
  /** For each digest, the first copy of that image into any repository. */
  private readonly copies = new Map<string, Promise<ImageOutcome[]>>();

  constructor(private readonly run: SyncRun) {}

  /** Runs the work of one package, and turns a failure into an outcome of that package. */
  public async contained(name: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.outcomes.push(
        notMirrored(this.run, { repository: sourceRepository(this.run.organization, name), tags: [] }, error),
      );
    }
  }

  public async package({ package: name, plan, present, presentTags }: PlannedPackage): Promise<void> {
    const { run } = this;
    this.outcomes.push(...plan.conflicts.map(({ tag, digest, present: other }) =>
      logOutcome(
        run,
        { kind: 'conflict', repository: plan.repository, tags: [tag], digest, cause: conflictCause(other) },
      )));
    if (plan.actions.length === 0) { return; }
    if (run.dryRun) {
      this.outcomes.push(...plan.actions.map(action => dryRun(plan, action, run)));
      return;
    }
    const uri = await run.target.ensureRepository(plan.repository, plan.repositoryExists);
    const target = { package: name, repository: plan.repository, uri };
    const manifests = new ManifestCopier(target, present, plan.repositoryExists, run);
    const mover = tagMover({ ...target, manifests }, run);
    const outcomes = (await Promise.all(await this.images(plan.actions, action => placeBySource(action, presentTags, {
      ...mover, place: group => runJob({ ...target, manifests, action: { ...action, ...group } }, run),
    })))).flat();
    const verified = await verify(plan.repository, outcomes, {
      ...mover, list: () => run.target.list(plan.repository), sleep: run.sleep,
    });
    this.outcomes.push(...verified.map(outcome => outcomes.includes(outcome) ? outcome : logOutcome(run, outcome)));
  }

  /**
   * Starts on all images of a package. skopeo's processes know nothing of each other, so with skopeo one image goes
   * first: the others find the blobs that they share with it.
   */
  private async images(
    actions: readonly Action[], work: (action: Action) => Promise<ImageOutcome[]>,
  ): Promise<Promise<ImageOutcome[]>[]> {
    const copies = actions.some(({ kind }) => kind === 'copy');
    const oneFirst = copies && await this.run.engine() === CopyEngine.SKOPEO;
    let first: Promise<unknown> | undefined;
    return actions.map(action => {
      const outcomes = this.image(action.digest, () => work(action), oneFirst ? first : undefined);
      if (action.kind === 'copy') { first ??= outcomes; }
      return outcomes;
    });
  }

  /**
   * An image that several repositories get waits for its first copy: then ECR can mount the blobs
   * instead of receiving them again.
   */
  private image(digest: string, work: Work, first: Promise<unknown> | undefined): Promise<ImageOutcome[]> {
    const earlier = [first, this.copies.get(digest)].filter(outcome => outcome !== undefined);
    const outcomes = this.afterwards(work, earlier);
    if (!this.copies.has(digest)) { this.copies.set(digest, outcomes); }
    return outcomes;
  }

  /**
   * Images that waited have a limit of their own, so that they take no place from the first
   * images of packages planned later.
   */
  private async afterwards(work: Work, earlier: readonly Promise<unknown>[]): Promise<ImageOutcome[]> {
    await Promise.allSettled(earlier);
    return (earlier.length > 0 ? this.others : this.firsts)(work);
  }
}

/** The tags of one package, in GHCR and in its repository. */
function tagMover(target: Omit<ImageJob, 'action'>, run: SyncRun): TagMover {
  const { repository } = target;
  const source = sourceRepository(run.organization, target.package);
  return {
    sourceDigests: async tags => new Map(await settleAll(tags.map(async tag => [
      tag,
      await retrying(`${source}:${tag}`, run, run.blobConcurrency, () => run.source.tagDigest(
        source,
        tag,
        run.stopped,
      )),
    ] as const))),
    place: ({ digest, tags }) => runJob({ ...target, action: { kind: 'copy', digest, tags } }, run),
    failed: ({ digest, tags }, error) => (
      run.stopped.aborted
        ? outOfTime(run, { repository, tags, digest })
        : notMirrored(run, { repository, tags, digest }, error)
    ),
  };
}

function dryRun({ repository }: Plan, { kind, digest, tags }: ImageJob['action'], run: SyncRun): ImageOutcome {
  run.print(`would ${kind} ${repository}:${tags.join(',')} ${digest}`);
  return { kind: 'left', repository, tags, digest };
}

async function runJob(job: ImageJob, run: SyncRun): Promise<ImageOutcome> {
  const { repository, action: { digest, tags } } = job;
  const start = run.now();
  if (start >= run.deadline.stopStarting) { return outOfTime(run, { repository, tags, digest }); }
  try {
    const result = await copyImage(job, run);
    return logOutcome(run, { repository, tags, digest, ...result, seconds: (run.now() - start) / 1000 });
  } catch (error) {
    const image = { repository, tags, digest };
    return run.stopped.aborted ? outOfTime(run, image) : notMirrored(run, image, error);
  }
}

type Image = Pick<ImageOutcome, 'repository' | 'tags' | 'digest'>;

function notMirrored(run: SyncRun, image: Image, error: unknown): ImageOutcome {
  return logOutcome(run, { ...image, kind: kindOf(error), cause: failureText(error, image.digest !== undefined) });
}

/** An artifact that ECR does not accept must not make every build fail. */
function kindOf(error: unknown): OutcomeKind {
  if (error instanceof ArtifactRefused) { return 'refused'; }
  return causeOf(error) === 'conflict' ? 'conflict' : 'failed';
}

function outOfTime(run: SyncRun, image: Image): ImageOutcome {
  return logOutcome(run, {
    ...image,
    kind: 'left',
    cause: 'the build\'s time is up. The next run copies it; raise `buildTimeout` if this lasts.',
  });
}

function logOutcome(run: SyncRun, outcome: ImageOutcome): ImageOutcome {
  run.print(imageLine(outcome));
  return outcome;
}
