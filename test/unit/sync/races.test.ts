import { plan } from '../../../lambda/shared/plan';
import type { SyncDependencies } from '../../../lambda/sync/context';
import { TokenBucket } from '../../../lambda/sync/resilience/token-bucket';
import { sync } from '../../../lambda/sync/sync';
import { seededRandom } from '../../../sandbox/faults';
import { CopyEngine } from '../../../src/contract/copy-engine';
import { digest } from '../shared/samples';

/**
 * Several builds, pushes and retags on a few tags of one package, in an order that a seed decides. Each request of a
 * build takes effect at some moment between its start and its end. The sync is the real one.
 */
class Race {
  /** GHCR: tag to digest, and every image that was ever pushed, newest first. */
  public readonly source = new Map<string, string>();
  public readonly target = { digests: new Set<string>(), tags: new Map<string, string>() };
  /** Moments without a build at which a tag of ECR was not where GHCR had it. */
  public readonly behind: string[] = [];
  public mostBuilds = 0;
  public killed = 0;
  private readonly pushed: string[] = [];
  private readonly random: () => number;
  private readonly waiting: (() => void)[] = [];
  private running = 0;
  private dueBuilds = 0;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  /** Plays pushes until nothing is left to do: every push starts a build, and a build that was killed another one. */
  public async play(): Promise<void> {
    const pushes = this.choose(2, 4);
    const tags = ['latest', '1', '1.0'].slice(0, this.choose(1, 3));
    const playing = Array.from({ length: pushes }, () => this.pushAndBuild(tags));
    const all = Promise.all(playing);
    let over = false;
    void all.finally(() => { over = true; });
    while (!over) {
      await new Promise(setImmediate);
      const [next] = this.waiting.splice(Math.floor(this.random() * this.waiting.length), 1);
      next?.();
    }
    await all;
  }

  private async pushAndBuild(tags: readonly string[]): Promise<void> {
    for (let wait = this.choose(0, 8); wait > 0; wait--) { await this.moment(); }
    // An image that was pushed before makes a tag go back where it was: A -> B -> A.
    const old = this.pushed.length > 1 && this.random() < 0.3;
    const image = old ? this.pushed[this.choose(0, this.pushed.length - 1)] : digest(this.pushed.length + 1);
    if (!this.pushed.includes(image)) { this.pushed.unshift(image); }
    this.dueBuilds++;
    for (const tag of tags.filter(() => this.random() < 0.7)) { this.source.set(tag, image); }
    await this.moment();
    for (let killed = true; killed;) {
      killed = await this.build();
    }
  }

  /** @returns whether the build was killed: a look of the dispatch function then starts another */
  private async build(): Promise<boolean> {
    this.mostBuilds = Math.max(this.mostBuilds, ++this.running);
    const killedAt = this.random() < 0.25 ? this.choose(1, 30) : Infinity;
    let requests = 0;
    const step = async <T>(effect: () => T): Promise<T> => {
      await this.moment();
      if (++requests >= killedAt) { throw new Error('the build was killed'); }
      const result = effect();
      await this.moment();
      return result;
    };
    await sync(['app'], this.dependencies(step));
    const killed = requests >= killedAt;
    if (killed) { this.killed++; } else { this.dueBuilds--; }
    if (--this.running === 0 && this.dueBuilds === 0) { this.compare(); }
    return killed;
  }

  private compare(): void {
    for (const [tag, own] of this.source) {
      const there = this.target.tags.get(tag);
      if (there !== own) { this.behind.push(`${tag} is at ${there ?? 'nothing'}, expected ${own}`); }
    }
  }

  private dependencies(step: <T>(effect: () => T) => Promise<T>): SyncDependencies {
    const { target } = this;
    const engine = this.random() < 0.5 ? CopyEngine.SKOPEO : CopyEngine.DIRECT;
    const bytes = (own: string): { bytes: Buffer; contentType: string } => ({
      bytes: Buffer.from(JSON.stringify({
        schemaVersion: 2,
        config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: own.replace(':0', ':c'), size: 1 },
        layers: [],
      })),
      contentType: 'application/vnd.oci.image.manifest.v1+json',
    });
    return {
      organization: 'my-org',
      registryHost: 'ghcr.io',
      plan: async name => {
        const versions = await step(() => this.pushed.map(own => ({ digest: own, tags: this.tagsOf(own) })));
        const held = await step(() => ({ digests: new Set(target.digests), tags: new Map(target.tags) }));
        return {
          package: name,
          plan: plan('my-org/app', versions, held),
          listed: new Set(),
          present: held.digests,
          presentTags: new Set(held.tags.keys()),
        };
      },
      target: {
        ensureRepository: async () => 'registry/my-org/app',
        manifest: (_, own) => step(() => bytes(own)),
        put: (_, _manifest, own, tag) => step(() => {
          target.digests.add(own);
          if (tag !== undefined) { target.tags.set(tag, own); }
        }),
        list: () => step(() => ({ tags: new Map(target.tags) })),
      },
      source: {
        manifest: (_, own) => step(() => bytes(own)),
        tagDigest: (_, tag) => step(() => this.source.get(tag)),
        hasBlob: () => step(() => true),
        blob: () => Promise.reject(new Error('the mover is a stand-in')),
      },
      blobs: { move: () => step(() => 1) },
      skopeo: {
        copy: from => step(() => { target.digests.add(from.slice(from.indexOf('@') + 1)); }),
        inspect: () => Promise.reject(new Error('every manifest is read directly')),
      },
      engine: async () => engine,
      concurrentProcesses: 8,
      renewLogins: async () => undefined,
      putImages: new TokenBucket(1_000_000, () => 0, async () => undefined),
      deadline: { stopStarting: Infinity, stop: 1_000_000 },
      dryRun: false,
      print: () => undefined,
      sleep: () => this.moment(),
      random: this.random,
      now: () => 0,
      requests: () => ({}),
    };
  }

  private tagsOf(own: string): string[] {
    return [...this.source].filter(([, at]) => at === own).map(([tag]) => tag);
  }

  /** Resolves when the seed lets this one go on. */
  private moment(): Promise<void> {
    return new Promise(resolve => { this.waiting.push(resolve); });
  }

  private choose(from: number, to: number): number {
    return from + Math.floor(this.random() * (to - from + 1));
  }
}

test.each(Array.from({ length: 20 }, (_, at) => [at * 10]))(
  'builds and pushes in any order end equal, without a schedule: seeds from %d',
  async first => {
    for (let seed = first; seed < first + 10; seed++) {
      const race = new Race(seed);
      await race.play();
      expect({ seed, tags: Object.fromEntries(race.target.tags) })
        .toEqual({ seed, tags: Object.fromEntries(race.source) });
      expect({ seed, behind: race.behind }).toEqual({ seed, behind: [] });
    }
  },
);

test('the seeds play several builds at a time, and killed ones', async () => {
  const races = Array.from({ length: 50 }, (_, seed) => new Race(seed));
  for (const race of races) { await race.play(); }
  expect(races.filter(({ mostBuilds }) => mostBuilds > 1).length).toBeGreaterThan(25);
  expect(races.filter(({ killed }) => killed > 0).length).toBeGreaterThan(10);
});
