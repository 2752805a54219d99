import { RequestError } from '@octokit/request-error';
import { SizeQueue } from './size-queue';
import { VirtualTime } from './virtual-time';
import type { BuildRequest } from '../../../lambda/dispatch/builds';
import type { DispatchDependencies } from '../../../lambda/dispatch/dependencies';
import { dispatch } from '../../../lambda/dispatch/dispatcher';
import { KnownBuild, KnownBuilds } from '../../../lambda/dispatch/known-builds';
import { pauseSeconds } from '../../../lambda/dispatch/pause';
import type { Received } from '../../../lambda/dispatch/received';
import { GitHubBudget } from '../../../lambda/shared/github-budget';
import { GitHubRateLimited, GitHubRefusal } from '../../../lambda/shared/github-errors';
import type { PlannedPackage } from '../../../lambda/shared/inventory';
import { plan, SourceVersion } from '../../../lambda/shared/plan';
import { seededRandom } from '../../../sandbox/faults';
import { digest } from '../shared/samples';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** GitHub's documented limit of a minute for one token. */
const MINUTE_LIMIT = 900;
/** A request takes so long. */
const REQUEST_MS = 150;
/** Functions at a time, messages in a batch, and the window that collects them. */
const MAPPING = { concurrency: 2, batch: 100, windowMs: 2_000 };
/** CodeBuild provides a machine within this time, and a build plans for as long. */
const BUILD = { provisionMs: 20_000, planningMs: 10_000, packageMs: 3_000 };

export interface SizeSettings {
  readonly packages: number;
  /** Pages of a hundred versions in the listing of a package. */
  readonly pages: number;
  /** Part of the packages in which something is missing at the beginning. */
  readonly missing: number;
  /** GitHub's limit of an hour: 5,000 for one token, and less where the organization is scaled down. */
  readonly hourLimit: number;
  readonly seed?: number;
}

interface Source { readonly versions: SourceVersion[]; readonly pages: number }

/** One push, and when its image was in ECR. */
export interface Push {
  readonly package: string;
  readonly digest: string;
  readonly at: number;
  arrivedAt?: number;
}

/**
 * An organization of some size, its queue, CodeBuild and ECR, around the real dispatch and planner, in virtual time.
 */
export class SizeWorld {
  public readonly time = new VirtualTime(0);
  public readonly random: () => number;
  public readonly queue: SizeQueue;
  public readonly pushes: Push[] = [];
  /** When each package was planned as a whole for the first time. */
  public readonly planned = new Map<string, number>();
  public readonly gone = new Set<string>();
  public requests = 0;
  public refusals = 0;
  public builds: KnownBuild[] = [];
  public mostReconcileBuilds = 0;
  /** Milliseconds from the begin to the end of each invocation, at most. */
  public longestInvocation = 0;
  public invocations = 0;
  /** No answer from GitHub before this time. */
  public gitHubDownUntil = 0;
  /** Builds that the account may run. */
  public quota = 60;
  public begin = 0;
  private readonly sources = new Map<string, Source>();
  private readonly held = new Map<string, Map<string, string>>();
  private readonly instances: Instance[];
  private hour = { endsAt: 0, used: 0 };
  private minute = { endsAt: 0, used: 0 };
  private digests = 1_000_000;
  private nextBuild = 1;
  private deliveries: Promise<void> = Promise.resolve();

  private readonly hourLimit: number;

  constructor(settings: SizeSettings) {
    this.hourLimit = settings.hourLimit;
    this.random = seededRandom(settings.seed ?? 1);
    this.queue = new SizeQueue(() => this.time.now(), this.random);
    this.instances = Array.from({ length: MAPPING.concurrency }, () => new Instance(this));
    for (let n = 0; n < settings.packages; n++) {
      this.publish(`app-${n}`, settings.pages, this.random() >= settings.missing);
    }
  }

  /** Runs for so long, or until the end comes earlier. Every second the queue is looked at as Lambda's pollers do. */
  public async run(ms: number, until: () => boolean = () => false): Promise<void> {
    const end = this.time.now() + ms;
    await this.time.run(this.poll(end, until));
  }

  /** A push of a new image: its delivery is queued a second later. */
  public push(name: string): Push {
    const pushed = { package: name, digest: digest(++this.digests), at: this.time.now() };
    const source = this.source(name);
    source.versions.forEach(({ tags }, at) => {
      if (tags.includes('latest')) {
        source.versions[at] = { ...source.versions[at], tags: tags.filter(tag => tag !== 'latest') };
      }
    });
    source.versions.unshift({ digest: pushed.digest, tags: ['latest', `t${this.digests}`] });
    this.pushes.push(pushed);
    this.announce(name, pushed.digest);
    return pushed;
  }

  public announce(name: string, announced: string): void {
    this.queue.send({ kind: 'package', package: name, digest: announced, delivery: `d-${announced.slice(-8)}` });
  }

  public schedule(): void {
    this.queue.send({ kind: 'organization' });
  }

  /** Packages in which ECR lacks something. */
  public different(): string[] {
    return [...this.sources.keys()].filter(name => !this.gone.has(name) && this.planOf(name).actions.length > 0);
  }

  public dependencies(): Omit<DispatchDependencies, 'budget'
    | 'missing'
    | 'planPackage'
    | 'listPackages'
    | 'refreshBudget'> {
    return {
      project: 'mirror',
      listBuilds: async () => {
        await this.time.sleep(100);
        return new KnownBuilds(this.builds.slice(0, 100));
      },
      startBuild: request => this.startBuild(request),
      send: async messages => messages.forEach(({ message, delay }) => this.queue.send(message, delay)),
      backlog: async () => this.queue.size,
      sleep: (ms, signal) => this.time.sleep(ms, signal),
      now: () => this.time.now(),
      random: this.random,
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    };
  }

  /** One request to GitHub. */
  public async request(budget: GitHubBudget): Promise<void> {
    const now = this.time.now();
    if (now < this.gitHubDownUntil) {
      await this.time.sleep(10_000);
      throw new Error('GitHub answered nothing within 10 s');
    }
    this.requests++;
    const headers = this.count(now);
    await this.time.sleep(REQUEST_MS);
    budget.observe(new Headers(headers));
    if (headers.status === undefined) { return; }
    this.refusals++;
    const request = { method: 'GET' as const, url: 'https://api.github.com', headers: {} };
    const resetAt = headers['retry-after'] === undefined
      ? this.hour.endsAt
      : now + Number(headers['retry-after']) * 1000;
    throw new GitHubRateLimited(resetAt, new RequestError('API rate limit exceeded', 403, { request }));
  }

  /** GET /rate_limit, which costs nothing. */
  public async rateLimit(budget: GitHubBudget): Promise<void> {
    if (this.time.now() < this.gitHubDownUntil) { return this.request(budget); }
    await this.time.sleep(REQUEST_MS);
    const now = this.time.now();
    const { endsAt, used } = this.hour.endsAt > now ? this.hour : { endsAt: now + HOUR_MS, used: 0 };
    budget.report({ limit: this.hourLimit, remaining: this.hourLimit - used, reset: endsAt / 1000 });
  }

  public async listPackages(budget: GitHubBudget): Promise<string[]> {
    const names = [...this.sources.keys()].filter(name => !this.gone.has(name));
    // Four pages at a time.
    for (let page = 0; page < names.length / 100; page += 4) {
      const pages = Math.min(4, Math.ceil(names.length / 100) - page);
      await Promise.all(Array.from({ length: pages }, () => this.request(budget)));
    }
    return names;
  }

  public async planPackage(budget: GitHubBudget, name: string, announced: readonly string[]): Promise<PlannedPackage> {
    const { versions, pages } = this.source(name);
    const wanted = new Set(announced);
    let listed: SourceVersion[] = [];
    for (let page = 0; page < pages; page++) {
      await this.request(budget);
      if (this.gone.has(name)) { throw new GitHubRefusal('GitHub answered 404', 404); }
      const next = versions.slice(page * 100, (page + 1) * 100);
      next.forEach(each => wanted.delete(each.digest));
      listed = [...listed, ...next];
      if (announced.length > 0 && wanted.size === 0) { break; }
    }
    if (announced.length === 0 && !this.planned.has(name)) { this.planned.set(name, this.time.now()); }
    return {
      package: name,
      plan: plan(`org/${name}`, listed, this.target(name)),
      listed: new Set(listed.map(each => each.digest)),
      present: new Set(),
      presentTags: new Set(),
    };
  }

  private async poll(end: number, until: () => boolean): Promise<void> {
    while (this.time.now() < end && !until()) {
      await this.time.sleep(1_000);
      for (const instance of this.instances) { instance.poll(); }
      if (!this.instances.some(instance => instance.busy) && this.queue.size > 0) {
        const quiet = Math.min(this.queue.nextVisible(), end) - this.time.now();
        if (quiet > 2_000) { await this.time.sleep(quiet - 1_000); }
      }
    }
    await this.deliveries;
  }

  private publish(name: string, pages: number, mirrored: boolean): void {
    const count = pages * 100 - 20;
    const versions = Array.from({ length: count }, (_, n): SourceVersion => ({
      digest: digest(count - n),
      tags: n === 0 ? ['latest', 'v1'] : n % 4 === 0 ? [`v${n}`] : [],
    }));
    this.sources.set(name, { versions, pages });
    this.held.set(name, new Map(mirrored ? tagsOf(versions) : []));
  }

  private source(name: string): Source {
    const source = this.sources.get(name);
    if (!source) { throw new Error(`no package ${name}`); }
    return source;
  }

  private target(name: string): { digests: Set<string>; tags: Map<string, string> } {
    const tags = this.held.get(name) ?? new Map<string, string>();
    return { digests: new Set(tags.values()), tags };
  }

  private planOf(name: string): PlannedPackage['plan'] {
    return plan(`org/${name}`, this.source(name).versions, this.target(name));
  }

  private count(now: number): Record<string, string> {
    if (this.hour.endsAt <= now) { this.hour = { endsAt: now + HOUR_MS, used: 0 }; }
    if (this.minute.endsAt <= now) { this.minute = { endsAt: now + MINUTE_MS, used: 0 }; }
    const secondary = ++this.minute.used > MINUTE_LIMIT;
    const primary = this.hour.used >= this.hourLimit;
    if (!secondary && !primary) { this.hour.used++; }
    return {
      'x-ratelimit-limit': String(this.hourLimit),
      'x-ratelimit-remaining': String(this.hourLimit - this.hour.used),
      'x-ratelimit-reset': String(this.hour.endsAt / 1000),
      ...secondary && { 'retry-after': '60' },
      ...(secondary || primary) && { status: '403' },
    };
  }

  private async startBuild({ packages, purpose }: BuildRequest): Promise<{ id: string }> {
    await this.time.sleep(200);
    const active = this.builds.filter(({ endedAt }) => endedAt === undefined);
    if (this.quota === 0 || active.length >= 6 * this.quota) {
      throw new Error('CodeBuild starts no build: the quota is used up');
    }
    const id = `mirror:${this.nextBuild++}`;
    this.builds.unshift({ id, startedAt: this.time.now(), succeeded: false, packages, purpose });
    this.mostReconcileBuilds = Math.max(
      this.mostReconcileBuilds,
      active.filter(build => build.purpose === 'reconcile').length + Number(purpose === 'reconcile'),
    );
    void this.runBuild(id, packages);
    return { id };
  }

  private async runBuild(id: string, packages: readonly string[]): Promise<void> {
    await this.time.sleep(BUILD.provisionMs);
    this.change(id, { planningSince: this.time.now() });
    await this.time.sleep(BUILD.planningMs);
    const found = packages.map(name => ({ name, wanted: tagsOf(this.source(name).versions) }));
    await this.time.sleep(packages.length * BUILD.packageMs);
    for (const { name, wanted } of found) { this.arrive(name, wanted); }
    this.change(id, { endedAt: this.time.now(), succeeded: true });
  }

  /** The build asks the source at the moment of writing: a tag that has moved on meanwhile is left to a later build. */
  private arrive(name: string, found: readonly (readonly [string, string])[]): void {
    const present = new Map(tagsOf(this.source(name).versions));
    const tags = this.held.get(name) ?? new Map<string, string>();
    for (const [tag, wanted] of found) { if (present.get(tag) === wanted) { tags.set(tag, wanted); } }
    this.held.set(name, tags);
    const digests = new Set(tags.values());
    for (const push of this.pushes) {
      if (push.package === name && digests.has(push.digest)) { push.arrivedAt ??= this.time.now(); }
    }
  }

  private change(id: string, change: Partial<KnownBuild>): void {
    this.builds = this.builds.map(build => build.id === id ? { ...build, ...change } : build);
  }
}

function tagsOf(versions: readonly SourceVersion[]): [string, string][] {
  return versions.flatMap(({ digest: held, tags }) => tags.map((tag): [string, string] => [tag, held]));
}

/** A warm instance of the function: what it remembers, and the poller that feeds it. */
class Instance {
  public busy = false;
  private readonly missing = new Set<string>();
  private readonly budget: GitHubBudget;

  constructor(private readonly world: SizeWorld) {
    this.budget = new GitHubBudget(() => world.time.now());
  }

  /** Takes a batch, if there is one. */
  public poll(): void {
    if (this.busy) { return; }
    const first = this.world.queue.receive(MAPPING.batch);
    if (first.length === 0) { return; }
    this.busy = true;
    void this.handle(first).finally(() => { this.busy = false; });
  }

  private async handle(first: readonly Received[]): Promise<void> {
    const { world, budget } = this;
    if (first.length < MAPPING.batch) { await world.time.sleep(MAPPING.windowMs); }
    const batch = [...first, ...world.queue.receive(MAPPING.batch - first.length)];
    const begin = world.time.now();
    const stay = await dispatch(batch, {
      ...world.dependencies(),
      budget,
      missing: this.missing,
      refreshBudget: () => world.rateLimit(budget),
      listPackages: () => world.listPackages(budget),
      planPackage: (name, announced) => world.planPackage(budget, name, announced),
    });
    world.invocations++;
    world.longestInvocation = Math.max(world.longestInvocation, world.time.now() - begin);
    for (const { id, receiveCount } of batch) {
      const waiting = stay.get(id);
      if (waiting) {
        world.queue.hide(id, pauseSeconds(waiting.reason, receiveCount, world.time.now(), world.random()));
      } else { world.queue.delete(id); }
    }
  }
}
