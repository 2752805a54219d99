import type { Command } from '../measure/command';
import type { Addresses } from '../servers/protocol';

/** The task of a contestant: copy everything in these packages to repositories below the prefix. */
export interface Task {
  readonly addresses: Addresses;
  /** Of the ECR repositories: `my-org/run-3`. */
  readonly prefix: string;
  readonly packages: readonly string[];
  /** A directory of its own, also its home. */
  readonly directory: string;
}

/** A program that copies. */
export interface Contestant {
  readonly name: string;
  /** Whether it creates repositories; ECR creates none on push, so that others get them before the clock starts. */
  readonly createsRepositories: boolean;
  /** Writes its configuration; the command is what is measured. */
  prepare(task: Task): Command;
}
