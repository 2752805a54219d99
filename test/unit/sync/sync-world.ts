import { ImageMissing } from '../../../lambda/shared/ecr';
import { plan, SourceVersion, TargetImages } from '../../../lambda/shared/plan';
import type { SyncDependencies } from '../../../lambda/sync/context';
import type { BlobJob } from '../../../lambda/sync/copy/blobs';
import { CausedError, FailureCause } from '../../../lambda/sync/resilience/failure-cause';
import { TokenBucket } from '../../../lambda/sync/resilience/token-bucket';
import { CopyEngine } from '../../../src/contract/copy-engine';
import { FakeTime } from '../shared/fake-time';
import { digest } from '../shared/samples';

export const HOST = '111122223333.dkr.ecr.eu-central-1.amazonaws.com';

/** A failure of a registry whose cause is known. */
export class Failure extends CausedError {
  constructor(public readonly failureCause: FailureCause, message: string = failureCause) {
    super(message);
  }
}

export interface Held { readonly digests: Set<string>; readonly tags: Map<string, string> }

/** An image with one config and one layer, which are its own. */
function manifestOf(own: string): string {
  const blob = (part: string): string => `sha256:${part}${own.slice('sha256:'.length + 1)}`;
  return JSON.stringify({
    schemaVersion: 2,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: blob('c'), size: 10 },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: blob('d'), size: 90 }],
  });
}

/** GitHub and ECR as the sync sees them: what is copied is there, unless the test says otherwise. */
export class World {
  public readonly time = new FakeTime();
  public readonly lines: string[] = [];
  /** Manifests that were put by the sync with their blobs: where from, and under which name. */
  public readonly copies: [string, string][] = [];
  /** Manifests that skopeo copied. */
  public readonly bySkopeo: [string, string][] = [];
  public readonly moved: BlobJob[] = [];
  public readonly tagged: [string, string, string][] = [];
  public readonly created: string[] = [];
  public readonly listed: Record<string, SourceVersion[] | Error> = {};
  public readonly repositories = new Map<string, Held>();
  public readonly read: string[] = [];
  public engine = CopyEngine.DIRECT;
  /** Manifests that skopeo read. */
  public readonly inspected: string[] = [];
  public processes = 0;
  public mostProcesses = 0;
  /** Tags whose digest the sync asked GHCR for: `my-org/app:latest`. */
  public readonly asked: string[] = [];
  /** Blobs that a package of GHCR does not have, though its manifests name them: `my-org/app sha256:...`. */
  public readonly lacking: string[] = [];
  public logins = 0;
  public moving = 0;
  public mostMoving = 0;
  public readonly dependencies: SyncDependencies = {
    organization: 'My-Org',
    registryHost: 'ghcr.io',
    plan: async name => {
      const versions = this.listed[name] ?? [];
      if (versions instanceof Error) { throw versions; }
      const repository = `my-org/${name}`;
      const held = this.repositories.get(repository);
      return {
        package: name,
        plan: plan(repository, versions, held),
        listed: new Set(),
        present: new Set(held?.digests),
        presentTags: new Set(held?.tags.keys()),
      };
    },
    target: {
      ensureRepository: async (repository, exists) => {
        expect(exists).toBe(this.repositories.has(repository));
        if (!exists) { this.created.push(repository); }
        this.hold(repository);
        return `${HOST}/${repository}`;
      },
      manifest: async (repository, own) => {
        if (!this.hold(repository).digests.has(own)) { throw new ImageMissing(`no image ${own}`); }
        return { bytes: Buffer.from(this.manifest(own)), contentType: 'application/vnd.oci.image.manifest.v1+json' };
      },
      put: async (repository, _manifest, own, tag) => {
        const { digests, tags: pointers } = this.hold(repository);
        const name = `${repository}${tag === undefined ? `@${own}` : `:${tag}`}`;
        if (digests.has(own)) {
          this.tagged.push([repository, own, tag ?? '']);
        } else {
          this.copies.push([own, name]);
          const error = this.refusePut(own, name);
          if (error) { throw error; }
        }
        digests.add(own);
        if (tag !== undefined) { pointers.set(tag, own); }
      },
      list: async repository => this.afterwards(repository, this.repositories.get(repository)),
    },
    source: {
      manifest: async (repository, own) => {
        this.read.push(`${repository}@${own}`);
        const error = this.refuse(`${repository}@${own}`);
        if (error) { throw error; }
        return { bytes: Buffer.from(this.manifest(own)), contentType: 'application/vnd.oci.image.manifest.v1+json' };
      },
      tagDigest: async (repository, tag) => {
        this.asked.push(`${repository}:${tag}`);
        return this.sourceTag(repository.slice('my-org/'.length), tag);
      },
      hasBlob: async (repository, own) => !this.lacking.includes(`${repository} ${own}`),
      blob: () => Promise.reject(new Error('the mover is a stand-in')),
    },
    blobs: { move: (job, signal) => this.move(job, signal) },
    renewLogins: async () => { this.logins++; },
    putImages: new TokenBucket(1_000_000, () => this.time.now(), ms => this.time.sleep(ms)),
    deadline: { stopStarting: this.time.now() + 3_000_000, stop: this.time.now() + 3_600_000 },
    dryRun: false,
    skopeo: { copy: (from, to) => this.skopeo(from, to), inspect: async from => this.inspect(from) },
    engine: async () => this.engine,
    concurrentProcesses: 8,
    print: line => { this.lines.push(line); },
    sleep: ms => this.time.sleep(ms),
    random: () => 1,
    now: () => this.time.now(),
    requests: () => ({ github: 1 }),
  };

  /** Digest that GHCR's registry gives a tag: the one that is listed, unless a test says otherwise. */
  public sourceTag: (packageName: string, tag: string) => string | undefined = (name, tag) => {
    const versions = this.listed[name];
    return versions instanceof Error ? undefined : versions?.find(({ tags }) => tags.includes(tag))?.digest;
  };

  /** Why something can't be read: asked for each manifest, by `my-org/app@DIGEST`. */
  public refuse: (from: string) => Error | undefined = () => undefined;
  public refuseBlob: (job: BlobJob) => Error | undefined = () => undefined;
  public refusePut: (digest: string, to: string) => Error | undefined = () => undefined;
  public refuseSkopeo: (from: string, to: string) => Error | undefined = () => undefined;
  /** How long a process of skopeo takes. */
  public process: (from: string) => Promise<unknown> = () => new Promise(setImmediate);
  /** Bytes of a manifest in the source. */
  public manifest: (own: string) => string = own => manifestOf(own);
  public afterwards: (repository: string, held: Held | undefined) => TargetImages | undefined = (_, held) => held;

  public hold(repository: string, tags: Record<string, number> = {}): Held {
    const held = this.repositories.get(repository) ?? { digests: new Set(), tags: new Map() };
    this.repositories.set(repository, held);
    Object.entries(tags).forEach(([tag, n]) => { held.digests.add(digest(n)); held.tags.set(tag, digest(n)); });
    return held;
  }

  private async move(job: BlobJob, signal: AbortSignal): Promise<number> {
    this.moved.push(job);
    this.mostMoving = Math.max(this.mostMoving, ++this.moving);
    await new Promise(setImmediate);
    this.moving--;
    signal.throwIfAborted();
    const error = this.refuseBlob(job);
    if (error) { throw error; }
    return job.blob.size;
  }

  private async skopeo(from: string, to: string): Promise<void> {
    this.bySkopeo.push([from, to]);
    this.mostProcesses = Math.max(this.mostProcesses, ++this.processes);
    await this.process(from);
    this.processes--;
    const error = this.refuseSkopeo(from, to);
    if (error) { throw error; }
    const [, repository, tag, digestOfTarget] = /^[^/]+\/([^:@]+)(?::([^@]+)|@(.+))$/.exec(to) ?? [];
    const own = from.slice(from.indexOf('@') + 1);
    if (digestOfTarget !== undefined) { expect(own).toBe(digestOfTarget); }
    this.hold(repository).digests.add(own);
    if (tag !== undefined) { this.hold(repository).tags.set(tag, own); }
  }

  private inspect(from: string): Buffer {
    this.inspected.push(from);
    return Buffer.from(this.manifest(from.slice(from.indexOf('@') + 1)));
  }
}
