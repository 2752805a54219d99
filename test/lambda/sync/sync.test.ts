import { LayersNotFoundException } from '@aws-sdk/client-ecr';
import { ImageMissing } from '../../../lambda/shared/ecr';
import type { BlobJob, BlobMover } from '../../../lambda/sync/blob-mover';
import { RateLimit } from '../../../lambda/sync/pace';
import type { SyncDependencies } from '../../../lambda/sync/run';
import { sync } from '../../../lambda/sync/sync';
import { plan, SourceVersion, TargetImages } from '../../../src/domain/plan';
import { digest, version } from '../../domain/samples';
import { FakeTime } from '../shared/fake-time';

const HOST = '111122223333.dkr.ecr.eu-central-1.amazonaws.com';

interface Held { readonly digests: Set<string>; readonly tags: Map<string, string> }

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
class World {
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
      return { package: name, plan: plan(repository, versions, held), listed: new Set(), held: new Set(held?.digests) };
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
        return { bytes: Buffer.from(manifestOf(own)), contentType: 'application/vnd.oci.image.manifest.v1+json' };
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
        return { bytes: Buffer.from(manifestOf(own)), contentType: 'application/vnd.oci.image.manifest.v1+json' };
      },
      blob: () => Promise.reject(new Error('the mover is a stand-in')),
    },
    blobs: { move: (job, signal) => this.move(job, signal) },
    login: async () => { this.logins++; },
    putImages: new RateLimit(1_000_000, () => this.time.now(), ms => this.time.sleep(ms)),
    deadline: { stopStarting: this.time.now() + 3_000_000, stop: this.time.now() + 3_600_000 },
    dryRun: false,
    copier: { copy: async (from, to) => this.skopeo(from, to) },
    print: line => { this.lines.push(line); },
    sleep: ms => this.time.sleep(ms),
    random: () => 1,
    now: () => this.time.now(),
    requests: () => ({ github: 1 }),
  };

  /** Why something can't be read: asked for each manifest, by `my-org/app@DIGEST`. */
  public refuse: (from: string) => Error | undefined = () => undefined;
  public refuseBlob: (job: BlobJob) => Error | undefined = () => undefined;
  public refusePut: (digest: string, to: string) => Error | undefined = () => undefined;
  public refuseSkopeo: () => Error | undefined = () => undefined;
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
    return job.content.size;
  }

  private skopeo(from: string, to: string): void {
    this.bySkopeo.push([from, to]);
    const error = this.refuseSkopeo();
    if (error) { throw error; }
    const [, repository, tag] = /^[^/]+\/(.+):(.+)$/.exec(to) ?? [];
    const own = from.slice(from.indexOf('@') + 1);
    this.hold(repository).digests.add(own);
    this.hold(repository).tags.set(tag, own);
  }
}

let world: World;
beforeEach(() => { world = new World(); });

function run(...packages: string[]): ReturnType<typeof sync> {
  return sync(packages, world.dependencies);
}


describe('an image that ECR lacks', () => {
  test('is copied by digest, below the lower-cased organization', async () => {
    world.listed.app = [version(1, '1')];
    expect(await run('app')).toMatchObject({ packages: 1, copied: 1, tagged: 0, failed: 0 });
    expect(world.read).toEqual([`my-org/app@${digest(1)}`]);
    expect(world.moved.map(({ from, to }) => [from, to])).toEqual([['my-org/app', 'my-org/app'], ['my-org/app', 'my-org/app']]);
    expect(world.copies).toEqual([[digest(1), 'my-org/app:1']]);
  });

  test('moves once, and its other tags are pointers', async () => {
    world.listed.app = [version(1, '1', '1.0', 'latest')];
    await run('app');
    expect(world.copies).toHaveLength(1);
    expect(world.tagged).toEqual([['my-org/app', digest(1), '1.0'], ['my-org/app', digest(1), 'latest']]);
    expect(world.repositories.get('my-org/app')?.tags).toEqual(new Map(['1', '1.0', 'latest'].map(tag => [tag, digest(1)])));
  });

  test('creates the repository first', async () => {
    world.listed['team/tool'] = [version(1, '1')];
    await run('team/tool');
    expect(world.created).toEqual(['my-org/team/tool']);
  });
});

test('an image that ECR has is tagged, and nothing is copied', async () => {
  world.hold('my-org/app', { 1: 1 });
  world.listed.app = [version(1, '1', 'latest')];
  expect(await run('app')).toMatchObject({ copied: 0, tagged: 1, unchanged: 1, failed: 0 });
  expect(world.copies).toEqual([]);
  expect(world.tagged).toEqual([['my-org/app', digest(1), 'latest']]);
  expect(world.created).toEqual([]);
});

test('where nothing is missing nothing is touched, not even the repository', async () => {
  world.hold('my-org/app', { 1: 1 });
  world.listed.app = [version(1, '1')];
  expect(await run('app', 'empty')).toMatchObject({ packages: 2, copied: 0, tagged: 0, unchanged: 1, failed: 0 });
  expect([world.copies, world.tagged, world.created]).toEqual([[], [], []]);
});

test('copies a few at a time', async () => {
  for (let n = 1; n <= 20; n++) { world.listed[`app-${n}`] = [version(n, '1'), version(n + 100, '2')]; }
  expect(await run(...Object.keys(world.listed))).toMatchObject({ copied: 40, failed: 0 });
  expect(world.mostMoving).toBeGreaterThan(1);
  expect(world.mostMoving).toBeLessThanOrEqual(32);
});

describe('failures', () => {
  const denied = (what: string): void => { world.refuse = from => from.includes(what) ? new Error('denied: denied') : undefined; };

  test('one image does not stop the others', async () => {
    world.listed.app = [version(3, '3'), version(2, '2'), version(1, '1')];
    denied(digest(2));
    expect(await run('app')).toMatchObject({ copied: 2, failed: 1 });
    expect([...world.hold('my-org/app').tags.keys()].sort()).toEqual(['1', '3']);
  });

  test('one package does not stop the others', async () => {
    world.listed.bad = new Error('GitHub answered 404');
    world.listed.good = [version(1, '1')];
    expect(await run('bad', 'good')).toMatchObject({ packages: 2, copied: 1, failed: 1 });
    expect(world.lines).toContainEqual(expect.stringMatching(/^failed +my-org\/bad: GitHub answered 404/));
    expect(world.lines).toContain('not mirrored (failed): my-org/bad');
  });

  test('a repository that cannot be created fails its package alone', async () => {
    world.listed.bad = [version(1, '1')];
    world.listed.good = [version(1, '1')];
    const { ensureRepository } = world.dependencies.target;
    const target = {
      ...world.dependencies.target,
      ensureRepository: (name: string, exists: boolean) => name === 'my-org/bad' ? Promise.reject(new Error('LimitExceeded')) : ensureRepository(name, exists),
    };
    expect(await sync(['bad', 'good'], { ...world.dependencies, target })).toMatchObject({ copied: 1, failed: 1 });
  });

  test('an error that is none is named all the same', async () => {
    world.refuse = () => { throw 'text' as unknown as Error; };
    world.listed.app = [version(1, '1')];
    await run('app');
    expect(world.lines).toContainEqual(expect.stringMatching(`^failed +my-org/app:1 ${digest(1)}: text`));
  });

  test('tags that could not be put fail the image', async () => {
    world.listed.app = [version(1, '1', 'latest')];
    const { put } = world.dependencies.target;
    const target: SyncDependencies['target'] = {
      ...world.dependencies.target,
      put: (repository, manifest, own, tag) => tag === 'latest' ? Promise.reject(new Error('AccessDenied')) : put(repository, manifest, own, tag),
    };
    expect(await sync(['app'], { ...world.dependencies, target })).toMatchObject({ copied: 0, failed: 1 });
  });

  test('a copy is not tried again when it is denied', async () => {
    world.listed.app = [version(1, '1')];
    denied('app');
    await run('app');
    expect(world.read).toHaveLength(1);
  });
});

describe('right after a push', () => {
  const lag = (times: number): void => { world.refuse = () => world.read.length <= times ? new Error('reading manifest: manifest unknown') : undefined; };

  test('a manifest that GHCR does not serve yet is tried again', async () => {
    world.listed.app = [version(1, '1')];
    lag(3);
    expect(await run('app')).toMatchObject({ copied: 1, failed: 0 });
    expect(world.read).toHaveLength(4);
    expect(world.lines[0]).toBe(`retry    my-org/app@${digest(1)} in 1.0 s (lag): reading manifest: manifest unknown`);
  });

  test('fails when it never comes', async () => {
    world.listed.app = [version(1, '1')];
    lag(Infinity);
    expect(await run('app')).toMatchObject({ copied: 0, failed: 1 });
    expect(world.read).toHaveLength(6);
  });
});

describe('afterwards ECR is asked', () => {
  test.each<[string, (held: Held) => TargetImages | undefined, string]>([
    ['another digest', held => ({ ...held, tags: new Map([['1', digest(9)]]) }), `1 -> ${digest(9)}`],
    ['no such tag', held => ({ ...held, tags: new Map() }), '1 -> nothing'],
    ['no repository', () => undefined, '1 -> nothing'],
  ])('fails on %s', async (_, change, found) => {
    world.listed.app = [version(1, '1')];
    world.afterwards = (_name, held) => held && change(held);
    expect(await run('app')).toMatchObject({ copied: 0, failed: 1 });
    expect(world.lines).toContain(`not mirrored (failed): my-org/app:1 ${digest(1)}`);
    expect(world.lines.join('\n')).toContain(`ECR holds ${found} after the copy, expected ${digest(1)}`);
  });

  test('fails on one wrong tag of several', async () => {
    world.listed.app = [version(1, '1', 'latest')];
    world.afterwards = (_, held) => held && { ...held, tags: new Map([...held.tags, ['latest', digest(9)]]) };
    expect(await run('app')).toMatchObject({ failed: 1 });
    expect(world.lines.join('\n')).toContain(`ECR holds latest -> ${digest(9)} after`);
  });

  test('fails the package when it cannot be asked', async () => {
    world.listed.app = [version(1, '1')];
    world.afterwards = () => { throw new Error('AccessDenied'); };
    expect(await run('app')).toMatchObject({ failed: 1 });
  });

  test('keeps the cause of an image that failed before', async () => {
    world.listed.app = [version(1, '1')];
    world.refuse = () => new Error('denied');
    expect(await run('app')).toMatchObject({ failed: 1 });
    expect(world.lines.filter(line => line.startsWith('failed'))).toEqual([expect.stringMatching(`^failed +my-org/app:1 ${digest(1)}: denied\\.`)]);
  });
});

describe('other endings', () => {
  test('a login that expired is renewed, and the copy tried again', async () => {
    world.listed.app = [version(1, '1')];
    world.refuseBlob = () => world.logins === 0 ? new Error('denied: Your authorization token has expired. Reauthenticate and try again.') : undefined;
    expect(await run('app')).toMatchObject({ copied: 1, failed: 0 });
    expect(world.logins).toBe(1);
  });

  test('a dry run prints what it would do, and does nothing', async () => {
    world.hold('my-org/app', { 1: 1 });
    world.listed.app = [version(2, '2'), version(1, '1', 'latest')];
    expect(await sync(['app', 'new'], { ...world.dependencies, dryRun: true })).toMatchObject({ copied: 0, tagged: 0, failed: 0 });
    expect([world.copies, world.tagged, world.created, world.read]).toEqual([[], [], [], []]);
    expect(world.lines).toEqual(expect.arrayContaining([`would copy my-org/app:2 ${digest(2)}`, `would tag my-org/app:latest ${digest(1)}`]));
  });

  test('when the time is up nothing more is started, and what is left is named', async () => {
    world.listed.app = [version(1, '1')];
    const deadline = { stopStarting: world.time.now(), stop: world.time.now() + 60_000 };
    expect(await sync(['app'], { ...world.dependencies, deadline })).toMatchObject({ copied: 0, left: 1, failed: 0 });
    expect(world.copies).toEqual([]);
    expect(world.lines).toContain(`not mirrored (left): my-org/app:1 ${digest(1)}`);
  });

  test('a tag that an immutable repository refuses is a conflict, not a failure', async () => {
    world.listed.app = [version(1, '1')];
    world.refusePut = () => new Error("The image tag '1' already exists in the 'my-org/app' repository and cannot be overwritten because the tag is immutable.");
    expect(await run('app')).toMatchObject({ copied: 0, conflicts: 1, failed: 0 });
  });
});

test('prints one line for each image and a summary', async () => {
  world.hold('my-org/app', { old: 3 });
  world.listed.app = [version(2, '2', 'latest'), version(9), version(3, 'old', 'older')];
  world.listed.bad = [version(4, '4')];
  world.refuse = from => from.includes('/bad@') ? new Error('denied') : undefined;
  const report = await run('app', 'bad');
  const lines = world.lines.slice(0, 3).sort();
  expect(lines).toEqual([
    `copied   my-org/app:2,latest ${digest(2)} (0.0 s)`,
    expect.stringMatching(`^failed +my-org/bad:4 ${digest(4)}: denied\\. The packages token may not pull`),
    `tagged   my-org/app:older ${digest(3)} (0.0 s)`,
  ]);
  expect(world.lines.slice(3)).toEqual([
    `not mirrored (failed): my-org/bad:4 ${digest(4)}`,
    '2 packages: 1 images copied, 1 tagged, 1 tags unchanged, 0 conflicts, 0 refused, 0 left for the next run, 1 failed, skipped: 1 untagged; 0.0 s',
    JSON.stringify({ summary: report }),
  ]);
  expect(report).toEqual({
    packages: 2,
    copied: 1,
    tagged: 1,
    unchanged: 1,
    conflicts: 0,
    refused: 0,
    left: 0,
    failed: 1,
    skipped: { untagged: 1 },
    bytes: 100,
    seconds: 0,
    requests: { github: 1 },
  });
});

test('a copy that still runs when the time is over is ended, and left for the next run', async () => {
  world.listed.app = [version(1, '1')];
  const deadline = { stopStarting: world.time.now() + 1, stop: world.time.now() + 1 };
  const blobs: BlobMover = {
    move: (_job, signal) => new Promise((_, reject) => { signal.addEventListener('abort', () => reject(new Error('cut off')), { once: true }); }),
  };
  expect(await sync(['app'], { ...world.dependencies, deadline, blobs })).toMatchObject({ copied: 0, left: 1, failed: 0 });
  expect(world.lines).toContain(`not mirrored (left): my-org/app:1 ${digest(1)}`);
});

test('of all copies that find their login expired, one logs in anew', async () => {
  world.listed.app = [version(1, '1'), version(2, '2'), version(3, '3')];
  world.refuseBlob = () => world.moved.length <= 6 ? new Error('denied: Your authorization token has expired. Reauthenticate and try again.') : undefined;
  expect(await run('app')).toMatchObject({ copied: 3, failed: 0 });
  expect(world.logins).toBe(1);
});

describe('blobs', () => {
  const [blob, layer] = [expect.stringMatching(/^sha256:c/) as string, expect.stringMatching(/^sha256:d/) as string];

  test('are moved before the manifest that names them, and asked for where the repository may have them', async () => {
    world.hold('my-org/app', { old: 9 });
    world.listed.app = [version(1, '1')];
    world.listed.new = [version(1, '1')];
    await run('app', 'new');
    expect(world.moved.map(({ to, content, mayBeThere }) => [to, content.digest, mayBeThere])).toEqual(expect.arrayContaining([
      ['my-org/app', blob, true], ['my-org/app', layer, true], ['my-org/new', blob, false], ['my-org/new', layer, false],
    ]));
  });

  test('fail their image alone, with their cause', async () => {
    world.listed.app = [version(1, '1'), version(2, '2')];
    world.refuseBlob = ({ content }) => content.digest.endsWith(digest(1).slice(-8)) ? new Error('connection reset') : undefined;
    expect(await run('app')).toMatchObject({ copied: 1, failed: 1, bytes: 100 });
    expect(world.lines).toContainEqual(expect.stringMatching(`^failed +my-org/app:1 ${digest(1)}: connection reset\\. The connection failed again`));
    expect(world.bySkopeo).toEqual([]);
  });

  test('that ECR said it has, and misses at the manifest, are moved after all', async () => {
    world.hold('my-org/app', { old: 9 });
    world.listed.app = [version(1, '1')];
    const message = 'Layers with digests \'[sha256:1]\' required for pushing image into repository with name \'my-org/app\' do not exist';
    world.refusePut = () => world.copies.length === 1 ? new LayersNotFoundException({ message, $metadata: {} }) : undefined;
    expect(await run('app')).toMatchObject({ copied: 1, failed: 0 });
    expect(world.moved.map(({ mayBeThere }) => mayBeThere)).toEqual([true, true, false, false]);
  });

  test.each([['in a way that nobody knows', 'answered 400 to the upload'], ['as something unknown to it', 'answered 405 to the upload']])(
    'that a registry refuses %s are left to skopeo', async (_, message) => {
      world.listed.app = [version(1, '1', 'latest')];
      world.refuseBlob = () => new Error(message);
      expect(await run('app')).toMatchObject({ copied: 1, failed: 0, bytes: 100 });
      expect(world.bySkopeo).toEqual([[`ghcr.io/my-org/app@${digest(1)}`, `${HOST}/my-org/app:1`]]);
      expect(world.lines).toContain(`fallback my-org/app@${digest(1)} to skopeo: ${message}`);
      expect(world.tagged).toEqual([['my-org/app', digest(1), 'latest']]);
    });

  test('a manifest of skopeo\'s that ECR throttles is put alone: its blobs are there', async () => {
    world.listed.app = [version(1, '1')];
    world.refuseBlob = () => new Error('answered 405');
    world.refuseSkopeo = () => new Error('writing manifest: uploading manifest 1 to 1.dkr.ecr/my-org/app: toomanyrequests: Rate exceeded');
    expect(await run('app')).toMatchObject({ copied: 1, failed: 0 });
    expect(world.bySkopeo).toHaveLength(1);
    expect(world.repositories.get('my-org/app')?.tags.get('1')).toBe(digest(1));
  });
});

test('a manifest that ECR throttles is put again, more slowly', async () => {
  world.listed.app = [version(1, '1')];
  world.refusePut = () => world.copies.length <= 3 ? new Error('Rate exceeded') : undefined;
  expect(await run('app')).toMatchObject({ copied: 1, failed: 0 });
  expect(world.moved).toHaveLength(2);
  expect(world.dependencies.putImages.round).toBe(3);
});

test('a conflict that ECR finds names the digest that it holds', async () => {
  world.listed.app = [version(1, '1')];
  world.refusePut = () => {
    world.hold('my-org/app', { 1: 9 });
    return new Error('tag invalid: The image tag \'1\' already exists and cannot be overwritten because the tag is immutable.');
  };
  expect(await run('app')).toMatchObject({ conflicts: 1, failed: 0 });
  expect(world.lines).toContainEqual(expect.stringMatching(`^conflict my-org/app:1 ${digest(1)}: ECR holds ${digest(9)} under this tag`));
});
