import type { DispatchDependencies } from './dependencies';
import type { Waiting } from './outcomes';
import { PackageRounds } from './package-rounds';
import { within } from './planning';
import { isOrganization, isPackage, packageWork, PackageWork, Received, reconcileWork } from './received';
import type { OrganizationMessage } from '../../src/contract/messages';

/** The function has five minutes. Milliseconds. */
const TIME = {
  /** No pushed package is begun after this, counted from the start of the batch. */
  pushes: 75_000,
  /** No reconcile is begun after this, counted from the start of the batch. */
  reconcile: 120_000,
  /** A reconcile begins packages for so long: pushes that come meanwhile wait for a place of the function. */
  reconciling: 40_000,
  /** The names of ten thousand packages are a hundred pages. */
  listing: 60_000,
};

/** While more messages wait, an earlier reconcile is under way: another one waits, but not for ever. */
const BACKLOG = { messages: 500, ms: 24 * 3_600_000 };

/**
 * Handles one batch. A message is done when nothing that it asked for is missing, or what is missing is known to be
 * impossible; until then it stays in the queue. Messages of the same package are one piece of work, and what is
 * missing goes
 * into as few builds as possible.
 *
 * @returns the messages that stay, by id
 */
export async function dispatch(
  batch: readonly Received[],
  dependencies: DispatchDependencies,
): Promise<ReadonlyMap<string, Waiting>> {
  const run = new Dispatch(batch, dependencies);
  const works = packageWork(batch.filter(isPackage));
  await run.pushes(works.filter(({ purpose }) => purpose === 'push'));
  await run.reconcile(works.filter(({ purpose }) => purpose === 'reconcile'), batch.filter(isOrganization));
  const { stay } = run.rounds.outcomes;
  if (stay.size > 0) { dependencies.log.info('Messages stay in the queue.', countReasons([...stay.values()])); }
  return stay;
}

/** One batch under way: pushes first, then reconciles. */
class Dispatch {
  public readonly rounds: PackageRounds;
  private readonly startedAt: number;

  constructor(batch: readonly Received[], private readonly dependencies: DispatchDependencies) {
    this.rounds = new PackageRounds(batch, dependencies);
    this.startedAt = dependencies.now();
  }

  public async pushes(works: readonly PackageWork[]): Promise<void> {
    await this.rounds.contained(works.flatMap(work => work.messages), async () => {
      // At the first look the plan comes first: where nothing is missing, builds need not be listed.
      const first = works.filter(({ look }) => look === 1);
      const open = await this.rounds.withoutBuild(works.filter(({ look }) => look > 1));
      await this.rounds.round([...first, ...open], 'push', this.startedAt + TIME.pushes);
    });
  }

  public async reconcile(
    works: readonly PackageWork[],
    organization: readonly Received<OrganizationMessage>[],
  ): Promise<void> {
    const { rounds } = this;
    const messages = works.flatMap(work => work.messages);
    const both = [...messages, ...organization];
    if (both.length === 0) { return; }
    await rounds.contained(both, async () => {
      const until = await this.reconcileWait();
      if (until !== undefined) {
        rounds.outcomes.wait(both, { kind: 'budget', purpose: 'reconcile', until });
        return;
      }
      const beginBy = this.dependencies.now() + TIME.reconciling;
      await rounds.contained(messages, async () => {
        await rounds.round(await rounds.withTurn(await rounds.withoutBuild(works)), 'reconcile', beginBy);
      });
      await rounds.contained(organization, () => this.organization(
        organization,
        works.map(work => work.package),
        beginBy,
      ));
    });
  }

  /**
   * Plans every package of the organization. What is missing, and what there is no time for, gets a message of its own.
   *
   * @param planned packages that this batch has planned already
   */
  private async organization(
    organization: readonly Received<OrganizationMessage>[], planned: readonly string[], beginBy: number,
  ): Promise<void> {
    if (organization.length === 0) { return; }
    const { rounds } = this;
    if (await this.isAnotherUnderWay(organization)) {
      rounds.outcomes.wait(organization, { kind: 'turn' });
      return;
    }
    const { listPackages, log } = this.dependencies;
    const names = await within(
      TIME.listing,
      this.dependencies,
      'GitHub did not list the organization\'s packages',
      listPackages,
    );
    log.info('Reconciling the organization.', { packages: names.length });
    const look = Math.max(...organization.map(({ receiveCount }) => receiveCount));
    const known = new Set(planned);
    await rounds.round(
      names.filter(name => !known.has(name)).map(name => reconcileWork(name, look)),
      'reconcile',
      beginBy,
    );
    await rounds.sendLeft();
    rounds.outcomes.done(organization);
  }

  private async isAnotherUnderWay(organization: readonly Received[]): Promise<boolean> {
    const { backlog, now } = this.dependencies;
    const age = now() - Math.min(...organization.map(({ sentAt }) => sentAt));
    return age < BACKLOG.ms && await backlog() > BACKLOG.messages;
  }

  /** When reconciles may go on; undefined for now. */
  private async reconcileWait(): Promise<number | undefined> {
    const { budget, refreshBudget, now } = this.dependencies;
    if (now() >= this.startedAt + TIME.reconcile) { return now(); }
    if (!budget.isKnown) { await refreshBudget(); }
    return budget.waitFor('reconcile');
  }
}

function countReasons(waiting: readonly Waiting[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { reason: { kind } } of waiting) { counts[kind] = (counts[kind] ?? 0) + 1; }
  return counts;
}
