import type { Purpose } from '../shared/github-budget';

/** A build of the project, as far as dispatch cares. Times are in milliseconds since the epoch. */
export interface KnownBuild {
  readonly id: string;
  readonly startedAt: number;
  /** When it began to read what is missing; undefined until then. */
  readonly planningSince?: number;
  readonly endedAt?: number;
  readonly succeeded: boolean;
  /** Undefined for all packages. */
  readonly packages?: readonly string[];
  readonly purpose: Purpose;
}

/** Builds of a package that began after some time and have ended. */
export interface Attempts {
  /** That mirrored all that they found. */
  readonly succeeded: number;
  /** That failed since the last success. */
  readonly failed: number;
  /** When the last one ended. */
  readonly lastEnd: number;
}

/** The newest builds of the project. */
export class KnownBuilds {
  private readonly builds: KnownBuild[];

  /** @param builds newest first */
  constructor(builds: readonly KnownBuild[]) {
    this.builds = [...builds];
  }

  public has(id: string): boolean {
    return this.builds.some(build => build.id === id);
  }

  /** Adds a build that was just started. */
  public add(build: KnownBuild): void {
    this.builds.unshift(build);
  }

  /** Builds of full reconciles that run or wait. */
  public get reconciles(): number {
    return this.builds.filter(({ endedAt, purpose }) => endedAt === undefined && purpose === 'reconcile').length;
  }

  /**
   * Whether a build that runs or waits will do what was missing in a package at a time: it has not begun to read
   * what is missing, or began
   * after that time.
   */
  public covers(packageName: string, since: number): boolean {
    return this.builds.some(build => build.endedAt === undefined && includes(build, packageName)
      && (build.planningSince === undefined || build.planningSince >= since));
  }

  /** How earlier builds of a package ended, counting those that began after a time. */
  public attempts(packageName: string, since: number): Attempts {
    const ended = this.builds.filter(build => build.endedAt !== undefined
      && build.startedAt >= since
      && includes(build, packageName));
    const lastSuccess = ended.findIndex(({ succeeded }) => succeeded);
    return {
      succeeded: ended.filter(({ succeeded }) => succeeded).length,
      failed: lastSuccess < 0 ? ended.length : lastSuccess,
      lastEnd: Math.max(-Infinity, ...ended.map(({ endedAt = 0 }) => endedAt)),
    };
  }
}

function includes({ packages }: KnownBuild, packageName: string): boolean {
  return packages === undefined || packages.includes(packageName);
}
