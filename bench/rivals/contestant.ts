import type { Command } from '../measure/command';
import type { Addresses } from '../servers/protocol';

/** An image by its name: `app-0001` and `1.2.0`. */
export interface ImageName {
  readonly package: string;
  readonly tag: string;
}

/** What a contestant is asked for: images of these packages into repositories below the prefix. */
export interface Work {
  readonly packages: readonly string[];
  /**
   * All tags that have to be there. Programs that copy image by image are given them; looking
   * for them would take them longer.
   */
  readonly images: readonly ImageName[];
  /** Whether programs that could read the repositories' lists are given the images, too. @default false */
  readonly exact?: boolean;
}

export interface Task extends Work {
  readonly addresses: Addresses;
  /** Of the ECR repositories: `my-org/run-3`. */
  readonly prefix: string;
  /** A directory of its own, also its home. */
  readonly directory: string;
}

/** A program that copies, with one setting of it. */
export interface Contestant {
  /** `parallel 8`; empty when there is nothing to set. */
  readonly setting: string;
  /** Whether it creates repositories; ECR creates none on push, so that others get them before the clock starts. */
  readonly createsRepositories: boolean;
  /** Writes its configuration; the command is what is measured. */
  prepare(task: Task): Command;
}

export type Tool = 'DIRECT' | 'SKOPEO' | 'regsync' | 'crane' | 'skopeo';

/** A program with all settings that compete. The fastest one counts. */
export interface Entry {
  readonly tool: Tool;
  /** `regsync v0.11.7` */
  readonly name: string;
  readonly settings: readonly [Contestant, ...Contestant[]];
}
