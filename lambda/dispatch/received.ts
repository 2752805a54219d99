import type { OrganizationMessage, PackageMessage, SyncMessage } from '../../src/contract/messages';
import type { Purpose } from '../shared/github-budget';

/** A message that the queue handed out. */
export interface Received<Message extends SyncMessage = SyncMessage> {
  readonly id: string;
  readonly message: Message;
  /** How many times the queue has handed this message out, from 1. */
  readonly receiveCount: number;
  /** When it was sent, milliseconds since the epoch. */
  readonly sentAt: number;
}

/** A package to bring up to date, and who asked for it. */
export interface PackageWork {
  readonly package: string;
  /** Empty where a full reconcile asks that this invocation handles itself. */
  readonly messages: readonly Received<PackageMessage>[];
  readonly purpose: Purpose;
  /** Digests that deliveries announced, where they alone ask; empty where the whole package is meant. */
  readonly announced: readonly string[];
  /**
   * What was missing at this time has to arrive, milliseconds since the epoch. A reconcile takes what any build
   * finds.
   */
  readonly since: number;
  /** Counts the looks at this work, from 1. */
  readonly look: number;
}

/** One piece of work for each package that messages name. */
export function packageWork(messages: readonly Received<PackageMessage>[]): PackageWork[] {
  const groups = new Map<string, Received<PackageMessage>[]>();
  for (const received of messages) {
    const group = groups.get(received.message.package);
    if (group) { group.push(received); } else { groups.set(received.message.package, [received]); }
  }
  return [...groups].map(([name, group]) => workOf(name, group));
}

function workOf(name: string, messages: readonly Received<PackageMessage>[]): PackageWork {
  const pushes = messages.filter(({ message }) => message.reconcile !== true);
  const digests = messages.flatMap(({ message }) => message.digest ?? []);
  return {
    package: name,
    messages,
    purpose: pushes.length > 0 ? 'push' : 'reconcile',
    announced: digests.length < messages.length ? [] : digests,
    since: Math.max(-Infinity, ...pushes.map(({ sentAt }) => sentAt)),
    look: Math.max(...messages.map(({ receiveCount }) => receiveCount)),
  };
}

/** The work of a full reconcile in a package that no message names. */
export function reconcileWork(name: string, look: number): PackageWork {
  return { package: name, messages: [], purpose: 'reconcile', announced: [], since: -Infinity, look };
}

export function isOrganization(received: Received): received is Received<OrganizationMessage> {
  return received.message.kind === 'organization';
}

export function isPackage(received: Received): received is Received<PackageMessage> {
  return received.message.kind === 'package';
}
