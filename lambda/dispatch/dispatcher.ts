import type { Logger } from '@aws-lambda-powertools/logger';
import pLimit from 'p-limit';
import { buildRequests, BuildRequest, PendingPackage } from './builds';
import { OrganizationMessage, PackageMessage, SyncMessage } from '../../src/domain/contract';
import type { PlannedPackage } from '../shared/inventory';

/** Packages whose inventories are read at the same time: as many as Octokit sends requests at a time. */
const CONCURRENT_PACKAGES = 10;

/** GitHub's REST API can trail behind its own delivery: how long to wait, milliseconds, before each further look. */
const LISTING_LAG_MS = [1_000, 3_000];

/** A digest that is still not listed after this many receives of the message was deleted, not late. */
const LISTING_RECEIVES = 3;

export interface Received<Message extends SyncMessage = SyncMessage> {
  readonly id: string;
  readonly message: Message;
  /** How many times the queue has handed this message out, from 1. */
  readonly receiveCount: number;
}

export interface DispatchDependencies {
  /** Name of the CodeBuild project. */
  readonly project: string;
  readonly listPackages: () => Promise<readonly string[]>;
  /** Plans what the announced digests need; without any, the whole package. */
  readonly planPackage: (packageName: string, announced: readonly string[]) => Promise<PlannedPackage>;
  readonly send: (messages: readonly PackageMessage[]) => Promise<void>;
  readonly startBuild: (request: BuildRequest) => Promise<{ id: string }>;
  readonly sleep: (ms: number) => Promise<unknown>;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** Failures by message id; a message without one is done. */
export type Failures = Map<string, Error>;

/**
 * Handles one batch: messages of the same package are one piece of work, and everything that is missing goes into as few
 * builds as possible. A failure belongs to the messages of its package alone.
 */
export async function dispatch(batch: readonly Received[], dependencies: DispatchDependencies): Promise<Failures> {
  const failures: Failures = new Map();
  const organization = batch.filter(isOrganization);
  if (organization.length > 0) { await settle(organization, failures, () => fanOut(dependencies)); }

  const groups = groupByPackage(batch.filter(isPackage));
  const limit = pLimit(CONCURRENT_PACKAGES);
  const pending: PendingPackage[] = [];
  await Promise.all([...groups].map(([name, group]) => limit(() => settle(group, failures, async () => {
    const planned = await planListed(name, group, dependencies);
    if (planned.plan.actions.length > 0) { pending.push(planned); }
    dependencies.log.info('Planned.', summary(planned, group));
  }))));

  await Promise.all(buildRequests(pending, dependencies.project).map(request => {
    const waiting = request.packages.flatMap(name => groups.get(name) ?? []);
    return settle(waiting, failures, async () => {
      const { id } = await dependencies.startBuild(request);
      dependencies.log.info('Build started.', { build: id, packages: request.packages });
    });
  }));
  return failures;
}

async function fanOut({ listPackages, send, log }: DispatchDependencies): Promise<void> {
  const packages = await listPackages();
  await send(packages.map(name => ({ kind: 'package', package: name })));
  log.info('Reconciling the organization.', { packages: packages.length });
}

/** Plans a package once GitHub's listing holds every digest that the deliveries announced. */
async function planListed(name: string, group: readonly Received<PackageMessage>[], dependencies: DispatchDependencies): Promise<PlannedPackage> {
  const digests = group.flatMap(({ message }) => message.digest ?? []);
  // A message without a digest, such as the schedule's, is about the whole package. The digests of the others still have to be listed.
  const announced = digests.length === group.length ? digests : [];
  const missing = ({ listed }: PlannedPackage): string[] => digests.filter(digest => !listed.has(digest));
  let planned = await dependencies.planPackage(name, announced);
  for (const wait of LISTING_LAG_MS) {
    if (missing(planned).length === 0) { return planned; }
    await dependencies.sleep(wait);
    planned = await dependencies.planPackage(name, announced);
  }
  const unlisted = missing(planned);
  if (unlisted.length === 0) { return planned; }
  if (group.some(({ receiveCount }) => receiveCount < LISTING_RECEIVES)) {
    throw new Error(`GitHub announced ${unlisted.join(', ')} of package "${name}" but does not list it yet: will look again.`);
  }
  dependencies.log.warn('GitHub no longer lists a version that it announced: deleted since.', { package: name, digests: unlisted });
  return planned;
}

/** Runs the work of some messages; its failure becomes theirs. */
async function settle(group: readonly Received[], failures: Failures, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const failure = error instanceof Error ? error : new Error(String(error));
    group.forEach(({ id }) => failures.set(id, failure));
  }
}

function groupByPackage(messages: readonly Received<PackageMessage>[]): Map<string, Received<PackageMessage>[]> {
  const groups = new Map<string, Received<PackageMessage>[]>();
  for (const received of messages) {
    const group = groups.get(received.message.package);
    if (group) { group.push(received); } else { groups.set(received.message.package, [received]); }
  }
  return groups;
}

function summary({ package: name, plan }: PlannedPackage, group: readonly Received<PackageMessage>[]): Record<string, unknown> {
  return {
    package: name,
    copy: plan.actions.filter(({ kind }) => kind === 'copy').length,
    tag: plan.actions.filter(({ kind }) => kind === 'tag').length,
    unchanged: plan.unchanged,
    conflicts: plan.conflicts,
    skipped: plan.skipped,
    deliveries: [...new Set(group.flatMap(({ message }) => message.delivery ?? []))],
  };
}

function isOrganization(received: Received): received is Received<OrganizationMessage> {
  return received.message.kind === 'organization';
}

function isPackage(received: Received): received is Received<PackageMessage> {
  return received.message.kind === 'package';
}
