import type { Logger } from '@aws-lambda-powertools/logger';
import pLimit from 'p-limit';
import { buildRequests, BuildRequest, PendingPackage } from './builds';
import { OrganizationMessage, PackageMessage, SyncMessage } from '../../src/contract/messages';
import { asError } from '../shared/errors';
import type { PlannedPackage } from '../shared/inventory';

/** Packages whose inventories are read at the same time: as many as Octokit sends requests at a time. */
const CONCURRENT_PACKAGES = 10;

/** A full reconcile plans so many packages at once, or for so long; the others get messages of their own. Both leave most of the timeout. */
const AT_ONCE = { packages: 100, ms: 60_000 };

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
  readonly now: () => number;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** Failures by message id; a message without one is done. */
export type Failures = Map<string, Error>;

/** A package to plan, and who asked for it. */
interface Piece {
  readonly package: string;
  readonly messages: readonly Received<PackageMessage>[];
  /** A full reconcile asked. */
  readonly reconciled: boolean;
}

/**
 * Handles one batch: messages of the same package are one piece of work, and everything that is missing goes into as few
 * builds as possible. A failure belongs to the messages of its package alone.
 */
export async function dispatch(batch: readonly Received[], dependencies: DispatchDependencies): Promise<Failures> {
  const failures: Failures = new Map();
  const organization = batch.filter(isOrganization);
  const names = organization.length > 0 ? await settle(organization, failures, () => listing(dependencies)) ?? [] : [];
  const later = new Set(names.slice(AT_ONCE.packages));
  const pieces = piecesOf(batch.filter(isPackage), names.slice(0, AT_ONCE.packages));
  // What a full reconcile could not do with a package here is tried again as a message of its own.
  const fail = (piece: Piece, error: Error): void => {
    piece.messages.forEach(({ id }) => failures.set(id, error));
    if (!piece.reconciled) { return; }
    dependencies.log.warn('Package failed: trying it again by a message of its own.', { package: piece.package, error });
    later.add(piece.package);
  };
  // What was pushed a moment ago does not wait for a full reconcile.
  for (const group of [pieces.filter(isAnnounced), pieces.filter(piece => !isAnnounced(piece))]) {
    const pending = await planAll(group, fail, later, dependencies);
    await Promise.all(buildRequests(pending, dependencies.project).map(request => build(request, group, fail, dependencies)));
  }
  if (later.size > 0) {
    await settle(organization, failures, () => dependencies.send([...later].map(name => ({ kind: 'package', package: name }))));
  }
  return failures;
}

async function listing({ listPackages, log }: DispatchDependencies): Promise<readonly string[]> {
  const names = await listPackages();
  log.info('Reconciling the organization.', { packages: names.length });
  return names;
}

/** @param later gets the names of those for which there is no time here */
async function planAll(
  pieces: readonly Piece[], fail: (piece: Piece, error: Error) => void, later: Set<string>, dependencies: DispatchDependencies,
): Promise<PendingPackage[]> {
  const limit = pLimit(CONCURRENT_PACKAGES);
  const pending: PendingPackage[] = [];
  const end = dependencies.now() + AT_ONCE.ms;
  await Promise.all(pieces.map(piece => limit(async () => {
    if (!isAnnounced(piece) && dependencies.now() >= end) {
      later.add(piece.package);
      return;
    }
    try {
      const planned = await planListed(piece, dependencies);
      // The inventories of a hundred packages are not kept.
      if (planned.plan.actions.length > 0) { pending.push({ package: planned.package, plan: planned.plan }); }
      dependencies.log.info('Planned.', summary(planned, piece.messages));
    } catch (error) {
      fail(piece, asError(error));
    }
  })));
  return pending;
}

async function build(
  request: BuildRequest, pieces: readonly Piece[], fail: (piece: Piece, error: Error) => void, { startBuild, log }: DispatchDependencies,
): Promise<void> {
  try {
    const { id } = await startBuild(request);
    log.info('Build started.', { build: id, packages: request.packages });
  } catch (error) {
    pieces.filter(piece => request.packages.includes(piece.package)).forEach(piece => fail(piece, asError(error)));
  }
}

/** Plans a package once GitHub's listing holds every digest that the deliveries announced. */
async function planListed({ package: name, messages, reconciled }: Piece, dependencies: DispatchDependencies): Promise<PlannedPackage> {
  const digests = messages.flatMap(({ message }) => message.digest ?? []);
  // A full reconcile, or a message without a digest, is about the whole package. The digests of the others still have to be listed.
  const announced = reconciled || digests.length < messages.length ? [] : digests;
  const missing = ({ listed }: PlannedPackage): string[] => digests.filter(digest => !listed.has(digest));
  let planned = await dependencies.planPackage(name, announced);
  for (const wait of LISTING_LAG_MS) {
    if (missing(planned).length === 0) { return planned; }
    await dependencies.sleep(wait);
    planned = await dependencies.planPackage(name, announced);
  }
  const unlisted = missing(planned);
  if (unlisted.length === 0) { return planned; }
  if (messages.some(({ receiveCount }) => receiveCount < LISTING_RECEIVES)) {
    throw new Error(`GitHub announced ${unlisted.join(', ')} of package "${name}" but does not list it yet: will look again.`);
  }
  dependencies.log.warn('GitHub no longer lists a version that it announced: deleted since.', { package: name, digests: unlisted });
  return planned;
}

/** Runs the work of some messages; its failure becomes theirs, and then there is no result. */
async function settle<T>(group: readonly Received[], failures: Failures, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    group.forEach(({ id }) => failures.set(id, asError(error)));
    return undefined;
  }
}

/** Somebody asked for this package by its name. */
function isAnnounced({ messages }: Piece): boolean {
  return messages.length > 0;
}

/** One piece for each package, whoever asked for it. */
function piecesOf(messages: readonly Received<PackageMessage>[], reconciled: readonly string[]): Piece[] {
  const groups = new Map<string, Received<PackageMessage>[]>(reconciled.map(name => [name, []]));
  for (const received of messages) {
    const group = groups.get(received.message.package);
    if (group) { group.push(received); } else { groups.set(received.message.package, [received]); }
  }
  return [...groups].map(([name, group]) => ({ package: name, messages: group, reconciled: reconciled.includes(name) }));
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
