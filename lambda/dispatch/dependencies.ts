import type { Logger } from '@aws-lambda-powertools/logger';
import type { BuildRequest } from './builds';
import type { KnownBuilds } from './known-builds';
import type { PlanningDependencies } from './planning';
import type { DelayedMessage } from './queue';

/** What dispatch works with. */
export interface DispatchDependencies extends PlanningDependencies {
  /** Name of the CodeBuild project. */
  readonly project: string;
  readonly listPackages: () => Promise<readonly string[]>;
  /** Asks GitHub what is left of its rate limit. */
  readonly refreshBudget: () => Promise<void>;
  readonly listBuilds: () => Promise<KnownBuilds>;
  /** @param known builds that were there before the work was found missing: an answer with one of them is an old one */
  readonly startBuild: (request: BuildRequest, known: KnownBuilds) => Promise<{ id: string }>;
  readonly send: (messages: readonly DelayedMessage[]) => Promise<void>;
  /** How many messages wait in the queue, about. */
  readonly backlog: () => Promise<number>;
  /**
   * Packages of reconciles that were seen to miss something while no build was to be had.
   * Forgetting one costs requests, no more.
   */
  readonly missing: Set<string>;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
}
