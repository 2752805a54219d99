import { RequestError } from '@octokit/request-error';
import { VirtualTime } from './virtual-time';
import type { BuildRequest } from '../../../lambda/dispatch/builds';
import type { DispatchDependencies } from '../../../lambda/dispatch/dependencies';
import { dispatch } from '../../../lambda/dispatch/dispatcher';
import { KnownBuild, KnownBuilds } from '../../../lambda/dispatch/known-builds';
import type { DelayedMessage } from '../../../lambda/dispatch/queue';
import type { Received } from '../../../lambda/dispatch/received';
import { GitHubBudget } from '../../../lambda/shared/github-budget';
import { GitHubRateLimited, GitHubRefusal } from '../../../lambda/shared/github-errors';
import type { PlannedPackage } from '../../../lambda/shared/inventory';
import { plan, SourceVersion, TargetImages } from '../../../lambda/shared/plan';
import type { OrganizationMessage, PackageMessage, SyncMessage } from '../../../src/contract/messages';
import { RecordingLog } from '../shared/recording-log';
import { version } from '../shared/samples';

/** What GitHub lists of a package, look by look; the last look repeats. An error stands for a listing that fails. */
type Looks = readonly (readonly SourceVersion[] | Error)[];

/** How a test's message was received. */
interface Receipt {
  readonly receives?: number;
  /** @default when the world began */
  readonly sentAt?: number;
}

type TestMessage = SyncMessage & Receipt;

export function of(name: string, more: Partial<PackageMessage> & Receipt = {}): PackageMessage & Receipt {
  return { kind: 'package', package: name, ...more };
}

export function organization(receipt: Receipt = {}): OrganizationMessage & Receipt {
  return { kind: 'organization', ...receipt };
}

/** GitHub, ECR, CodeBuild and the queue as dispatch sees them, in virtual time. */
export class DispatchWorld implements DispatchDependencies {
  public readonly log = new RecordingLog();
  public readonly project = 'project';
  public readonly time = new VirtualTime();
  public readonly begin = this.time.now();
  public readonly builds: BuildRequest[] = [];
  public readonly sent: DelayedMessage[] = [];
  public readonly looks: string[] = [];
  public readonly announced: (readonly string[])[] = [];
  public readonly missing = new Set<string>();
  public readonly budget = new GitHubBudget(() => this.time.now());
  public packages: readonly string[] | Error = [];
  public source: Record<string, Looks> = {};
  public target: Record<string, TargetImages> = {};
  /** Milliseconds that the planning of a package takes. */
  public slow: Record<string, number> = {};
  /** Requests that the planning of a package costs. */
  public requests = 1;
  public known = true;
  public refreshed = 0;
  public lists = 0;
  public waiting = 0;
  private used = 0;
  private running: KnownBuild[] = [];
  public refuse: (request: BuildRequest) => Error | undefined = () => undefined;
  public onStart: () => void = () => undefined;
  public onSend: () => void = () => undefined;

  public readonly sleep = (ms: number, signal: AbortSignal): Promise<void> => this.time.sleep(ms, signal);

  public readonly now = (): number => this.time.now();

  public readonly random = (): number => 0.5;

  public readonly backlog = async (): Promise<number> => this.waiting;

  public readonly listPackages = async (): Promise<readonly string[]> => orThrow(this.packages);

  public readonly refreshBudget = async (): Promise<void> => {
    this.refreshed++;
    this.spend(0);
  };

  public send = async (messages: readonly DelayedMessage[]): Promise<void> => {
    this.onSend();
    this.sent.push(...messages);
  };

  public listBuilds = async (): Promise<KnownBuilds> => {
    this.lists++;
    return new KnownBuilds(this.running);
  };

  public readonly planPackage = async (name: string, announced: readonly string[]): Promise<PlannedPackage> => {
    this.announced.push(announced);
    const looks = this.source[name] ?? [[version(1, '1')]];
    const look = this.looks.filter(each => each === name).length;
    this.looks.push(name);
    for (let n = 0; n < this.requests; n++) { this.spend(1); }
    const ms = this.slow[name] ?? 0;
    if (ms > 0) { await this.time.sleep(ms, new AbortController().signal); }
    const source = orThrow(looks[Math.min(look, looks.length - 1)]);
    return {
      package: name,
      plan: plan(`my-org/${name}`, source, this.target[name]),
      listed: new Set(source.map(each => each.digest)),
      present: new Set(),
      presentTags: new Set(),
    };
  };

  public readonly startBuild = async (request: BuildRequest): Promise<{ id: string }> => {
    this.builds.push(request);
    const error = this.refuse(request);
    if (error) { throw error; }
    this.onStart();
    return { id: this.addBuild(request) };
  };

  /** A build that waits to run. @returns its id */
  public addBuild(build: Partial<KnownBuild>): string {
    const id = `mirror:${this.running.length + 1}`;
    this.running.unshift({
      id,
      startedAt: this.time.now(),
      succeeded: false,
      packages: undefined,
      purpose: 'push',
      ...build,
    });
    return id;
  }

  /** Every build that has not ended begins to read what is missing. */
  public planBuilds(): void {
    this.running = this.running.map(build => build.endedAt === undefined
      ? { ...build, planningSince: this.time.now() }
      : build);
  }

  public endBuilds(status: string): void {
    this.planBuilds();
    this.running = this.running.map(build => build.endedAt === undefined
      ? { ...build, endedAt: this.time.now(), succeeded: status === 'SUCCEEDED' }
      : build);
  }

  /** GitHub's answers tell that so many more of 5,000 requests are used. */
  public spend(requests: number): void {
    this.used += requests;
    this.budget.observe(new Headers({
      'x-ratelimit-limit': '5000',
      'x-ratelimit-remaining': String(5_000 - this.used),
      'x-ratelimit-reset': String((this.begin + 3_600_000) / 1000),
    }));
  }

  public gone(): Error {
    return new GitHubRefusal('GitHub answered 404: the package is gone', 404);
  }

  public limited(ms: number): Error {
    const request = { method: 'GET' as const, url: 'https://api.github.com', headers: {} };
    return new GitHubRateLimited(this.time.now() + ms, new RequestError('API rate limit exceeded', 403, { request }));
  }

  public built(): (readonly string[])[] {
    return this.builds.map(({ packages }) => packages);
  }

  public tokens(): string[] {
    return this.builds.map(({ idempotencyToken }) => idempotencyToken);
  }

  /** Messages m1, m2, ... of a batch: why each of those waits that stay, or with what it failed. */
  public async dispatch(...messages: readonly TestMessage[]): Promise<Record<string, string>> {
    if (this.known) { this.spend(0); }
    const batch = messages.map(({ receives = 1, sentAt = this.begin, ...message }, at): Received => ({
      id: `m${at + 1}`,
      message,
      receiveCount: receives,
      sentAt,
    }));
    const stay = await this.time.run(dispatch(batch, this));
    return Object.fromEntries([...stay].sort().map(([id, { reason, error }]) => [id, error?.message ?? reason.kind]));
  }
}

function orThrow<T>(value: T | Error): T {
  if (value instanceof Error) { throw value; }
  return value;
}
