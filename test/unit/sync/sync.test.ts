import { ImageTagAlreadyExistsException } from '@aws-sdk/client-ecr';
import { Failure, Held, World } from './sync-world';
import type { TargetImages } from '../../../lambda/shared/plan';
import type { SyncDependencies } from '../../../lambda/sync/context';
import type { BlobMover } from '../../../lambda/sync/copy/blobs';
import { TokenBucket } from '../../../lambda/sync/resilience/token-bucket';
import { sync } from '../../../lambda/sync/sync';
import { digest, version } from '../shared/samples';

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
    expect(world.moved.map(({ from, to }) => [from, to]))
      .toEqual([['my-org/app', 'my-org/app'], ['my-org/app', 'my-org/app']]);
    expect(world.copies).toEqual([[digest(1), 'my-org/app:1']]);
  });

  test('moves once, and its other tags are pointers', async () => {
    world.listed.app = [version(1, '1', '1.0', 'latest')];
    await run('app');
    expect(world.copies).toHaveLength(1);
    expect(world.tagged).toEqual([['my-org/app', digest(1), '1.0'], ['my-org/app', digest(1), 'latest']]);
    expect(world.repositories.get('my-org/app')?.tags)
      .toEqual(new Map(['1', '1.0', 'latest'].map(tag => [tag, digest(1)])));
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
  expect(world.mostMoving).toBeLessThanOrEqual(64);
});

describe('failures', () => {
  const denied = (what: string): void => {
    world.refuse = from => from.includes(what) ? new Failure('denied') : undefined;
  };

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
      ensureRepository: (name: string, exists: boolean) => name === 'my-org/bad'
        ? Promise.reject(new Error('LimitExceeded'))
        : ensureRepository(name, exists),
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
      put: (repository, manifest, own, tag) => tag === 'latest'
        ? Promise.reject(new Error('AccessDenied'))
        : put(repository, manifest, own, tag),
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
  const lag = (times: number): void => {
    world.refuse = () => world.read.length <= times ? new Failure('lag', 'manifest unknown') : undefined;
  };

  test('a manifest that GHCR does not serve yet is tried again', async () => {
    world.listed.app = [version(1, '1')];
    lag(3);
    expect(await run('app')).toMatchObject({ copied: 1, failed: 0 });
    expect(world.read).toHaveLength(4);
    expect(world.lines[0]).toBe(`retry    my-org/app@${digest(1)} in 1.0 s (lag): manifest unknown`);
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
    expect(world.lines.join('\n'))
      .toContain(`ECR lists ${found} in my-org/app although ${digest(1)} was put again and again`);
  });

  test('fails on one wrong tag of several', async () => {
    world.listed.app = [version(1, '1', 'latest')];
    world.afterwards = (_, held) => held && { ...held, tags: new Map([...held.tags, ['latest', digest(9)]]) };
    expect(await run('app')).toMatchObject({ failed: 1 });
    expect(world.lines.join('\n')).toContain(`ECR lists latest -> ${digest(9)} in`);
  });

  test('an answer that trails behind the put is waited for', async () => {
    world.listed.app = [version(1, '1')];
    let looks = 0;
    world.afterwards = (_, held) => ++looks < 3 ? undefined : held;
    expect(await run('app')).toMatchObject({ copied: 1, failed: 0 });
    expect(looks).toBe(3);
  });

  test('a tag that another writer has brought to where GHCR has it by now is right', async () => {
    world.listed.app = [version(1, '1')];
    let moved = false;
    world.sourceTag = () => digest(moved ? 2 : 1);
    world.afterwards = (_, held) => {
      moved = true;
      held?.tags.set('1', digest(2));
      return held;
    };
    expect(await run('app')).toMatchObject({ copied: 1, failed: 0 });
    expect(world.hold('my-org/app').tags.get('1')).toBe(digest(2));
  });

  test('a tag that another writer has taken back is put again', async () => {
    world.listed.app = [version(2, '1')];
    let looks = 0;
    world.afterwards = (_, held) => {
      if (++looks === 1) { held?.tags.set('1', digest(1)); }
      return held;
    };
    expect(await run('app')).toMatchObject({ failed: 0 });
    expect(world.hold('my-org/app').tags.get('1')).toBe(digest(2));
  });

  test('fails the package when it cannot be asked', async () => {
    world.listed.app = [version(1, '1')];
    world.afterwards = () => { throw new Error('AccessDenied'); };
    expect(await run('app')).toMatchObject({ failed: 1 });
  });

  test('keeps the cause of an image that failed before', async () => {
    world.listed.app = [version(1, '1')];
    world.refuse = () => new Failure('denied');
    expect(await run('app')).toMatchObject({ failed: 1 });
    expect(world.lines.filter(line => line.startsWith('failed')))
      .toEqual([expect.stringMatching(`^failed +my-org/app:1 ${digest(1)}: denied\\.`)]);
  });
});

describe('other endings', () => {
  test('a login that expired is renewed, and the copy tried again', async () => {
    world.listed.app = [version(1, '1')];
    world.refuseBlob = () => world.logins === 0 ? new Failure('expired') : undefined;
    expect(await run('app')).toMatchObject({ copied: 1, failed: 0 });
    expect(world.logins).toBe(1);
  });

  test('a dry run prints what it would do, and does nothing', async () => {
    world.hold('my-org/app', { 1: 1 });
    world.listed.app = [version(2, '2'), version(1, '1', 'latest')];
    expect(await sync(['app', 'new'], { ...world.dependencies, dryRun: true }))
      .toMatchObject({ copied: 0, tagged: 0, failed: 0 });
    expect([world.copies, world.tagged, world.created, world.read]).toEqual([[], [], [], []]);
    expect(world.lines).toEqual(
      expect.arrayContaining([`would copy my-org/app:2 ${digest(2)}`, `would tag my-org/app:latest ${digest(1)}`]),
    );
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
    world.refusePut = () => new ImageTagAlreadyExistsException({ message: 'The tag is immutable.', $metadata: {} });
    expect(await run('app')).toMatchObject({ copied: 0, conflicts: 1, failed: 0 });
  });
});

test('prints one line for each image and a summary', async () => {
  world.hold('my-org/app', { old: 3 });
  world.listed.app = [version(2, '2', 'latest'), version(9), version(3, 'old', 'older')];
  world.listed.bad = [version(4, '4')];
  world.refuse = from => from.includes('/bad@') ? new Failure('denied') : undefined;
  const report = await run('app', 'bad');
  const lines = world.lines.slice(0, 3).sort();
  expect(lines).toEqual([
    `copied   my-org/app:2,latest ${digest(2)} (0.0 s)`,
    expect.stringMatching(`^failed +my-org/bad:4 ${digest(4)}: denied\\. The packages token may not pull`),
    `tagged   my-org/app:older ${digest(3)} (0.0 s)`,
  ]);
  expect(world.lines.slice(3)).toEqual([
    `not mirrored (failed): my-org/bad:4 ${digest(4)}`,
    '2 packages: 1 images copied, 1 tagged, 1 tags unchanged, 0 conflicts, 0 refused, 0 left for the next run, '
      + '1 failed, skipped: 1 untagged; 0.0 s',
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
    move: (_job, signal) => new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error('cut off')), { once: true });
    }),
  };
  expect(await sync(['app'], { ...world.dependencies, deadline, blobs }))
    .toMatchObject({ copied: 0, left: 1, failed: 0 });
  expect(world.lines).toContain(`not mirrored (left): my-org/app:1 ${digest(1)}`);
});

describe('when the time is over', () => {
  const deadline = () => ({ stopStarting: world.time.now() + 1, stop: world.time.now() + 1 });
  const later = (ms: number): Promise<void> => new Promise(resolve => { setTimeout(resolve, ms); });

  test('a manifest that waits for its turn is not put any more', async () => {
    world.listed.app = [version(1, '1')];
    class Slow extends TokenBucket {
      public override take(): Promise<void> { return later(30); }
    }
    const putImages = new Slow(1, () => 0, later);
    expect(await sync(['app'], { ...world.dependencies, deadline: deadline(), putImages }))
      .toMatchObject({ copied: 0, left: 1 });
    expect(world.copies).toEqual([]);
  });

  test('a blob that was refused meanwhile is not left to skopeo', async () => {
    world.listed.app = [version(1, '1')];
    const blobs: BlobMover = { move: () => later(30).then(() => { throw new Failure('unsupported'); }) };
    expect(await sync(['app'], { ...world.dependencies, deadline: deadline(), blobs }))
      .toMatchObject({ copied: 0, left: 1 });
    expect(world.bySkopeo).toEqual([]);
  });
});

test('of all copies that find their login expired, one logs in anew', async () => {
  world.listed.app = [version(1, '1'), version(2, '2'), version(3, '3')];
  world.refuseBlob = () => world.moved.length <= 6 ? new Failure('expired') : undefined;
  expect(await run('app')).toMatchObject({ copied: 3, failed: 0 });
  expect(world.logins).toBe(1);
});

test('a conflict that ECR finds names the digest that it holds', async () => {
  world.listed.app = [version(1, '1')];
  world.refusePut = () => {
    world.hold('my-org/app', { 1: 9 });
    return new ImageTagAlreadyExistsException({ message: 'The tag is immutable.', $metadata: {} });
  };
  expect(await run('app')).toMatchObject({ conflicts: 1, failed: 0 });
  expect(world.lines).toContainEqual(
    expect.stringMatching(`^conflict my-org/app:1 ${digest(1)}: ECR holds ${digest(9)} under this tag`),
  );
});
