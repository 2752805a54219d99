import { buildRequests, BuildRequest, PendingPackage } from './builds';
import type { DispatchDependencies } from './dependencies';
import type { KnownBuilds } from './known-builds';
import { Outcomes } from './outcomes';
import { pauseSeconds, Reason } from './pause';
import { planAll, PlanningResult } from './planning';
import type { DelayedMessage } from './queue';
import type { PackageWork, Received } from './received';
import { listingOf } from './unlisted';
import { isUnderWay, RECONCILE_BUILDS, verdictOn } from './verdict';
import { asError } from '../shared/errors';
import type { Purpose } from '../shared/github-budget';
import { GitHubRateLimited, isPackageGone } from '../shared/github-errors';
import type { PlannedPackage } from '../shared/inventory';

/** Builds start for what is planned within this time, even if another package hangs. Milliseconds. */
const FIRST_WAVE_MS = 10_000;

/** A package in which something is missing. */
interface Pending extends PendingPackage {
  readonly work: PackageWork;
  /** Messages that announce what GitHub does not list yet. */
  readonly late: readonly Received[];
}

/** Plans packages and starts builds, round by round, and decides what becomes of the messages of one batch. */
export class PackageRounds {
  public readonly outcomes: Outcomes;
  private builds: Promise<KnownBuilds> | undefined;
  /** Packages of a full reconcile that are left to messages of their own. */
  private left: DelayedMessage[] = [];

  constructor(batch: readonly Received[], private readonly dependencies: DispatchDependencies) {
    this.outcomes = new Outcomes(batch);
  }

  /**
   * Plans packages, and starts builds: for what is planned within a moment, and for the rest when it is planned.
   *
   * @param beginBy no package is begun after this time, milliseconds since the epoch
   */
  public async round(works: readonly PackageWork[], purpose: Purpose, beginBy: number): Promise<void> {
    if (works.length === 0) { return; }
    const pending: Pending[] = [];
    const planning = planAll(works, beginBy, this.dependencies, (work, result) => {
      pending.push(...this.take(work, result));
    });
    const ended = new AbortController();
    await Promise.race([planning.finally(() => ended.abort()), this.dependencies.sleep(FIRST_WAVE_MS, ended.signal)]);
    await this.build(pending.splice(0), purpose);
    await planning;
    await this.build(pending.splice(0), purpose);
  }

  /** The work that no build under way does. */
  public async withoutBuild(works: readonly PackageWork[]): Promise<PackageWork[]> {
    if (works.length === 0) { return []; }
    const open: PackageWork[] = [];
    await this.contained(works.flatMap(({ messages }) => messages), async () => {
      const builds = await this.knownBuilds();
      works.filter(work => isUnderWay(work, builds)).forEach(work => this.wait(work, { kind: 'build' }));
      open.push(...works.filter(work => !isUnderWay(work, builds)));
    });
    return open;
  }

  /** The work of reconciles that does not wait for a build of another. */
  public async withTurn(works: readonly PackageWork[]): Promise<readonly PackageWork[]> {
    const { missing } = this.dependencies;
    if (works.length === 0 || (await this.knownBuilds()).reconciles < RECONCILE_BUILDS) { return works; }
    works.filter(work => missing.has(work.package)).forEach(work => this.wait(work, { kind: 'turn' }));
    return works.filter(work => !missing.has(work.package));
  }

  /** Sends the messages of packages that are left to messages of their own. */
  public async sendLeft(): Promise<void> {
    const left = this.left.splice(0);
    if (left.length > 0) { await this.dependencies.send(left); }
  }

  /** Runs the work of some messages; its failure becomes theirs. */
  public async contained(messages: readonly Received[], work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof GitHubRateLimited)) {
        this.outcomes.wait(messages, { kind: 'retry' }, asError(error));
        return;
      }
      this.dependencies.budget.pause(error.resetAt);
      this.outcomes.wait(messages, { kind: 'budget', purpose: 'reconcile', until: error.resetAt });
    }
  }

  // ------------------------------------------------------------------------------------------------ after planning

  /** Decides about a package whose planning has ended. @returns the package, where something is missing in it */
  private take(work: PackageWork, result: PlanningResult): Pending[] {
    switch (result.kind) {
      case 'postponed':
        this.wait(work, { kind: 'budget', purpose: work.purpose, until: result.until });
        return [];
      case 'failed':
        this.takeFailure(work, result.error);
        return [];
      case 'planned':
        return this.takePlan(work, result.planned);
    }
  }

  private takeFailure(work: PackageWork, error: Error): void {
    if (!isPackageGone(error)) {
      this.wait(work, { kind: 'retry' }, error);
      return;
    }
    // The listing of a new package can trail behind its first delivery.
    const { listed, late, deleted } = listingOf(work.messages, new Set(), this.dependencies.now());
    this.outcomes.wait(late, { kind: 'unlisted' });
    this.outcomes.done([...listed, ...deleted]);
    if (late.length > 0) { return; }
    this.dependencies.log.error(
      'Package left out: GitHub shows it no more, or not to this token.',
      { package: work.package, error },
    );
  }

  private takePlan(work: PackageWork, planned: PlannedPackage): Pending[] {
    const { log, missing, now } = this.dependencies;
    const { listed, late, deleted } = listingOf(work.messages, planned.listed, now());
    log.info('Planned.', summary(planned, work));
    if (deleted.length > 0) {
      const digests = digestsOf(deleted);
      log.warn(
        'GitHub no longer lists a version that it announced: deleted since.',
        { package: work.package, digests },
      );
    }
    if (late.length > 0) {
      log.info('GitHub does not list yet what it announced.', { package: work.package, digests: digestsOf(late) });
    }
    // The inventories of many packages are not kept.
    if (planned.plan.actions.length > 0) {
      return [{ work, package: work.package, plan: planned.plan, look: work.look, late }];
    }
    missing.delete(work.package);
    this.outcomes.done([...listed, ...deleted]);
    this.outcomes.wait(late, { kind: 'unlisted' });
    return [];
  }

  // ------------------------------------------------------------------------------------------------ builds

  private async build(pending: readonly Pending[], purpose: Purpose): Promise<void> {
    const named = pending.filter(({ work }) => work.messages.length > 0);
    const unnamed = pending.filter(({ work }) => work.messages.length === 0);
    await this.contained(named.flatMap(({ work }) => work.messages), () => this.startAll(named, purpose));
    // Where the messages of a full reconcile can't be sent, its own message has to come back: that failure is thrown.
    await this.startAll(unnamed, purpose);
  }

  /** Starts builds for what is missing, unless one does the work, or none may start now. */
  private async startAll(pending: readonly Pending[], purpose: Purpose): Promise<void> {
    if (pending.length === 0) { return; }
    const builds = await this.knownBuilds();
    const starting = pending.filter(each => this.mayStart(each, builds));
    // First the messages, then the builds: a build that began before a message was sent would not count as its work.
    await this.sendLeft();
    for (const request of buildRequests(starting, this.dependencies.project, purpose)) {
      await this.start(request, starting.filter(({ package: name }) => request.packages.includes(name)), builds);
    }
  }

  private mayStart({ work, plan, late }: Pending, builds: KnownBuilds): boolean {
    const { log, missing, now } = this.dependencies;
    const verdict = verdictOn(work, builds, now());
    if (verdict === 'wait for a turn') { missing.add(work.package); } else { missing.delete(work.package); }
    if (verdict === 'impossible') {
      const detail = { package: work.package, actions: plan.actions };
      log.error('Given up: builds succeeded, and this is still missing. Their logs say what ECR refuses.', detail);
      this.outcomes.done(work.messages);
    } else {
      this.wait(work, { kind: verdict === 'wait for a turn' ? 'turn' : 'build' });
    }
    // These come back sooner than a build ends.
    this.outcomes.wait(late, { kind: 'unlisted' });
    return verdict === 'start';
  }

  private async start(request: BuildRequest, pending: readonly Pending[], builds: KnownBuilds): Promise<void> {
    const { startBuild, log, now } = this.dependencies;
    const { packages, purpose } = request;
    try {
      const { id } = await startBuild(request, builds);
      builds.add({ id, startedAt: now(), succeeded: false, packages, purpose });
      log.info('Build started.', { build: id, packages, purpose });
    } catch (error) {
      const messages = pending.flatMap(({ work }) => work.messages);
      // Packages of a full reconcile have their messages by now.
      if (messages.length === 0) { log.warn('No build started.', { packages, error: asError(error) }); }
      this.outcomes.wait(messages, { kind: purpose === 'push' ? 'retry' : 'turn' }, asError(error));
    }
  }

  /** One list of the builds serves the whole batch; one that failed is asked for again. */
  private async knownBuilds(): Promise<KnownBuilds> {
    this.builds ??= this.dependencies.listBuilds();
    try {
      return await this.builds;
    } catch (error) {
      this.builds = undefined;
      throw error;
    }
  }

  /** Lets the messages of a package wait; where there are none, it gets one. */
  private wait(work: PackageWork, reason: Reason, error?: Error): void {
    this.outcomes.wait(work.messages, reason, error);
    if (work.messages.length > 0) { return; }
    const { now, random, log } = this.dependencies;
    if (error) {
      log.warn('Package failed: trying it again by a message of its own.', { package: work.package, error });
    }
    const message = { kind: 'package', package: work.package, reconcile: true } as const;
    this.left.push({ message, delay: pauseSeconds(reason, 1, now(), random()) });
  }
}

function digestsOf(messages: readonly Received[]): string[] {
  return messages.flatMap(({ message }) => message.kind === 'package' ? message.digest ?? [] : []);
}

function summary({ package: name, plan }: PlannedPackage, { messages, purpose }: PackageWork): Record<string, unknown> {
  return {
    package: name,
    purpose,
    copy: plan.actions.filter(({ kind }) => kind === 'copy').length,
    tag: plan.actions.filter(({ kind }) => kind === 'tag').length,
    unchanged: plan.unchanged,
    conflicts: plan.conflicts,
    skipped: plan.skipped,
    deliveries: [...new Set(messages.flatMap(({ message }) => message.delivery ?? []))],
  };
}
