import type { Logger } from '@aws-lambda-powertools/logger';
import { buildRequests, BuildRequest, PendingPackage } from './builds';
import type { KnownBuilds } from './known-builds';
import { Outcomes, Waiting } from './outcomes';
import { Reason, pauseSeconds } from './pause';
import { planAll, PlanningDependencies, PlanningResult, within } from './planning';
import type { DelayedMessage } from './queue';
import { isOrganization, isPackage, packageWork, PackageWork, Received, reconcileWork } from './received';
import { listingOf } from './unlisted';
import { isUnderWay, RECONCILE_BUILDS, verdictOn } from './verdict';
import type { OrganizationMessage } from '../../src/contract/messages';
import { asError } from '../shared/errors';
import type { Purpose } from '../shared/github-budget';
import { GitHubRateLimited, isPackageGone } from '../shared/github-errors';
import type { PlannedPackage } from '../shared/inventory';

/** The function has five minutes. Milliseconds from the start of the batch, or of the reconcile. */
const TIME = {
  /** Builds start for what is planned by then, even if another package hangs. */
  firstWave: 10_000,
  /** No pushed package is begun after this. */
  pushes: 75_000,
  /** No reconcile is begun after this. */
  reconcile: 120_000,
  /** No package of a reconcile is begun after this: pushes that come meanwhile wait for a place of the function. */
  reconciling: 40_000,
  /** The names of ten thousand packages are a hundred pages. */
  listing: 60_000,
};

/** While more messages wait, an earlier reconcile is under way: another one waits, but not for ever. */
const BACKLOG = { messages: 500, ms: 24 * 3_600_000 };

export interface DispatchDependencies extends PlanningDependencies {
  /** Name of the CodeBuild project. */
  readonly project: string;
  readonly listPackages: () => Promise<readonly string[]>;
  /** Asks GitHub what is left of its rate limit. */
  readonly refreshBudget: () => Promise<void>;
  readonly listBuilds: () => Promise<KnownBuilds>;
  readonly startBuild: (request: BuildRequest, known: KnownBuilds) => Promise<{ id: string }>;
  readonly send: (messages: readonly DelayedMessage[]) => Promise<void>;
  /** How many messages wait in the queue, about. */
  readonly backlog: () => Promise<number>;
  /** Packages of reconciles that were seen to miss something while no build was to be had. Forgetting one costs requests, no more. */
  readonly missing: Set<string>;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/**
 * Handles one batch. A message is done when nothing that it asked for is missing, or what is missing is known to be impossible; until then
 * it stays in the queue. Messages of the same package are one piece of work, and what is missing goes into as few builds as possible.
 *
 * @returns the messages that stay, by id
 */
export async function dispatch(batch: readonly Received[], dependencies: DispatchDependencies): Promise<ReadonlyMap<string, Waiting>> {
  const run = new Dispatch(batch, dependencies);
  const works = packageWork(batch.filter(isPackage));
  await run.pushes(works.filter(({ purpose }) => purpose === 'push'));
  await run.reconcile(works.filter(({ purpose }) => purpose === 'reconcile'), batch.filter(isOrganization));
  const { stay } = run.outcomes;
  if (stay.size > 0) { dependencies.log.info('Messages stay in the queue.', countReasons([...stay.values()])); }
  return stay;
}

/** One batch under way. */
class Dispatch {
  public readonly outcomes: Outcomes;
  private readonly startedAt: number;
  private builds: Promise<KnownBuilds> | undefined;
  /** Packages of a full reconcile that are left to messages of their own. */
  private left: DelayedMessage[] = [];

  constructor(batch: readonly Received[], private readonly dependencies: DispatchDependencies) {
    this.outcomes = new Outcomes(batch);
    this.startedAt = dependencies.now();
  }

  public async pushes(works: readonly PackageWork[]): Promise<void> {
    const open = await this.withoutBuild(works.filter(({ look }) => look > 1));
    await this.round([...works.filter(({ look }) => look === 1), ...open], 'push', this.startedAt + TIME.pushes);
  }

  public async reconcile(works: readonly PackageWork[], organization: readonly Received<OrganizationMessage>[]): Promise<void> {
    const messages = works.flatMap(work => work.messages);
    const both = [...messages, ...organization];
    if (both.length === 0) { return; }
    await this.contained(both, async () => {
      const until = await this.reconcileWait();
      if (until !== undefined) {
        this.outcomes.wait(both, { kind: 'budget', purpose: 'reconcile', until });
        return;
      }
      const beginBy = this.dependencies.now() + TIME.reconciling;
      await this.contained(messages, async () => this.round(await this.withTurn(await this.withoutBuild(works)), 'reconcile', beginBy));
      await this.contained(organization, () => this.organization(organization, works.map(work => work.package), beginBy));
    });
  }

  /**
   * Plans every package of the organization. What is missing, and what there is no time for, gets a message of its own.
   *
   * @param planned packages that this batch has planned already
   */
  private async organization(organization: readonly Received<OrganizationMessage>[], planned: readonly string[], beginBy: number): Promise<void> {
    if (organization.length === 0) { return; }
    const { listPackages, backlog, now, log } = this.dependencies;
    const age = now() - Math.min(...organization.map(({ sentAt }) => sentAt));
    if (age < BACKLOG.ms && await backlog() > BACKLOG.messages) {
      this.outcomes.wait(organization, { kind: 'turn' });
      return;
    }
    const names = await within(TIME.listing, this.dependencies, 'GitHub did not list the organization\'s packages', listPackages);
    log.info('Reconciling the organization.', { packages: names.length });
    const look = Math.max(...organization.map(({ receiveCount }) => receiveCount));
    const open = names.filter(name => !planned.includes(name));
    await this.round(open.map(name => reconcileWork(name, look)), 'reconcile', beginBy);
    await this.sendLeft();
    this.outcomes.done(organization);
  }

  /** When reconciles may go on; undefined for now. */
  private async reconcileWait(): Promise<number | undefined> {
    const { budget, refreshBudget, now } = this.dependencies;
    if (now() >= this.startedAt + TIME.reconcile) { return now(); }
    if (!budget.isKnown) { await refreshBudget(); }
    return budget.waitFor('reconcile');
  }

  /** The work that no build under way does. */
  private async withoutBuild(works: readonly PackageWork[]): Promise<PackageWork[]> {
    if (works.length === 0) { return []; }
    const open: PackageWork[] = [];
    await this.contained(works.flatMap(({ messages }) => messages), async () => {
      const builds = await this.knownBuilds();
      works.filter(work => isUnderWay(work, builds)).forEach(work => this.wait(work, { kind: 'build' }));
      open.push(...works.filter(work => !isUnderWay(work, builds)));
    });
    return open;
  }

  /** The work that does not wait for a build of another. */
  private async withTurn(works: readonly PackageWork[]): Promise<readonly PackageWork[]> {
    const { missing } = this.dependencies;
    if (works.length === 0 || (await this.knownBuilds()).reconciles < RECONCILE_BUILDS) { return works; }
    works.filter(work => missing.has(work.package)).forEach(work => this.wait(work, { kind: 'turn' }));
    return works.filter(work => !missing.has(work.package));
  }

  /** Plans packages, and starts builds: for what is planned within a moment, and for the rest when it is planned. */
  private async round(works: readonly PackageWork[], purpose: Purpose, beginBy: number): Promise<void> {
    if (works.length === 0) { return; }
    const pending: Pending[] = [];
    const planning = planAll(works, beginBy, this.dependencies, (work, result) => { pending.push(...this.take(work, result)); });
    const ended = new AbortController();
    await Promise.race([planning.finally(() => ended.abort()), this.dependencies.sleep(TIME.firstWave, ended.signal)]);
    await this.build(pending.splice(0), purpose);
    await planning;
    await this.build(pending.splice(0), purpose);
  }

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
    if (late.length === 0) {
      this.dependencies.log.error('Package left out: GitHub shows it no more, or not to this token.', { package: work.package, error });
    }
  }

  private takePlan(work: PackageWork, planned: PlannedPackage): Pending[] {
    const { log, missing, now } = this.dependencies;
    log.info('Planned.', summary(planned, work));
    const { listed, late, deleted } = listingOf(work.messages, planned.listed, now());
    if (deleted.length > 0) {
      log.warn('GitHub no longer lists a version that it announced: deleted since.', { package: work.package, digests: digestsOf(deleted) });
    }
    if (late.length > 0) { log.info('GitHub does not list yet what it announced.', { package: work.package, digests: digestsOf(late) }); }
    // The inventories of many packages are not kept.
    if (planned.plan.actions.length > 0) { return [{ work, package: work.package, plan: planned.plan, look: work.look, late }]; }
    missing.delete(work.package);
    this.outcomes.done([...listed, ...deleted]);
    this.outcomes.wait(late, { kind: 'unlisted' });
    return [];
  }

  /** Starts builds for what is missing, unless one does the work, or none may start now. */
  private async build(pending: readonly Pending[], purpose: Purpose): Promise<void> {
    if (pending.length === 0) { return; }
    // Where the messages of a full reconcile can't be sent, its own message has to come back.
    const { messages, organization } = byMessages(pending);
    await this.contained(messages.flatMap(({ work }) => work.messages), () => this.startAll(messages, purpose));
    if (organization.length > 0) { await this.startAll(organization, purpose); }
  }

  private async startAll(pending: readonly Pending[], purpose: Purpose): Promise<void> {
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
      log.error('Given up: builds succeeded, and this is still missing. Their logs say what ECR refuses.', { package: work.package, actions: plan.actions });
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
    try {
      const { id } = await startBuild(request, builds);
      builds.add({ id, startedAt: now(), succeeded: false, packages: request.packages, purpose: request.purpose });
      log.info('Build started.', { build: id, packages: request.packages, purpose: request.purpose });
    } catch (error) {
      const messages = pending.flatMap(({ work }) => work.messages);
      // Packages of a full reconcile have their messages by now.
      if (messages.length === 0) { log.warn('No build started.', { packages: request.packages, error: asError(error) }); }
      this.outcomes.wait(messages, { kind: request.purpose === 'push' ? 'retry' : 'turn' }, asError(error));
    }
  }

  /** Lets the messages of a package wait; where there are none, it gets one. */
  private wait(work: PackageWork, reason: Reason, error?: Error): void {
    this.outcomes.wait(work.messages, reason, error);
    if (work.messages.length > 0) { return; }
    const { now, random, log } = this.dependencies;
    if (error) { log.warn('Package failed: trying it again by a message of its own.', { package: work.package, error }); }
    this.left.push({ message: { kind: 'package', package: work.package, reconcile: true }, delay: pauseSeconds(reason, 1, now(), random()) });
  }

  private async sendLeft(): Promise<void> {
    const left = this.left.splice(0);
    if (left.length > 0) { await this.dependencies.send(left); }
  }

  /** Runs the work of some messages; its failure becomes theirs. */
  private async contained(messages: readonly Received[], work: () => Promise<void>): Promise<void> {
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
}

interface Pending extends PendingPackage {
  readonly work: PackageWork;
  /** Messages that announce what GitHub does not list yet. */
  readonly late: readonly Received[];
}

/** Separates the packages that messages name from those of a full reconcile that this batch handles itself. */
function byMessages(pending: readonly Pending[]): { readonly messages: readonly Pending[]; readonly organization: readonly Pending[] } {
  const named = ({ work }: Pending): boolean => work.messages.length > 0;
  return { messages: pending.filter(named), organization: pending.filter(each => !named(each)) };
}

function countReasons(waiting: readonly Waiting[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { reason: { kind } } of waiting) { counts[kind] = (counts[kind] ?? 0) + 1; }
  return counts;
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
