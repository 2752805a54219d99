import { SkopeoError } from '../../../../lambda/sync/skopeo/errors';
import { sync } from '../../../../lambda/sync/sync';
import { CopyEngine } from '../../../../src/contract/copy-engine';
import { digest, version } from '../../shared/samples';
import { Failure, HOST, World } from '../sync-world';

let world: World;
beforeEach(() => {
  world = new World();
  world.engine = CopyEngine.SKOPEO;
});

function run(...packages: string[]): ReturnType<typeof sync> {
  return sync(packages, world.dependencies);
}

interface Described {
  readonly children?: readonly number[];
  readonly layers?: readonly number[];
  readonly subject?: number;
}

/** Manifests of the source by number: indexes with children, or images with layers. */
function publish(manifests: Readonly<Record<number, Described>>): void {
  const usual = world.manifest;
  const byDigest = new Map(Object.entries(manifests).map(([n, described]) => [digest(Number(n)), described]));
  world.manifest = own => {
    const described = byDigest.get(own);
    return described === undefined ? usual(own) : JSON.stringify(document(described));
  };
}

function document({ children, layers = [], subject }: Described): object {
  if (children) {
    return {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: children.map(n => ({ digest: digest(n) })),
    };
  }
  const blobs = layers.map(n => ({
    mediaType: 'application/vnd.oci.image.layer.v1.tar',
    digest: digest(1_000 + n),
    size: 90,
  }));
  return {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    layers: blobs,
    ...(subject === undefined ? {} : { subject: { digest: digest(subject) } }),
  };
}

const by = (n: number): [string, string] => [`ghcr.io/my-org/app@${digest(n)}`, `${HOST}/my-org/app@${digest(n)}`];

/** Digests that processes of skopeo copied, in the order of their ends, and which ran at the same time. */
function record(): { readonly ended: string[]; readonly together: [string, string][] } {
  const running = new Set<string>();
  const ended: string[] = [];
  const together: [string, string][] = [];
  world.process = async from => {
    const own = from.slice(from.indexOf('@') + 1);
    running.forEach(other => together.push([other, own]));
    running.add(own);
    for (let turn = 0; turn < 20; turn++) { await new Promise(setImmediate); }
    running.delete(own);
    ended.push(own);
  };
  return { ended, together };
}

describe('with skopeo', () => {
  test('an image is copied by its digest, and tagged by PutImage', async () => {
    world.listed.app = [version(1, '1', 'latest')];
    expect(await run('app')).toMatchObject({ copied: 1, failed: 0, bytes: 100 });
    expect(world.bySkopeo).toEqual([by(1)]);
    expect(world.moved).toEqual([]);
    expect(world.repositories.get('my-org/app')?.tags).toEqual(new Map([['1', digest(1)], ['latest', digest(1)]]));
  });

  test('an index is put by PutImage, after its children', async () => {
    publish({ 1: { children: [2, 3] } });
    world.listed.app = [version(1, '1')];
    const { ended } = record();
    world.refusePut = () => { ended.push('index'); return undefined; };
    expect(await run('app')).toMatchObject({ copied: 1, failed: 0 });
    expect(ended).toEqual([digest(2), digest(3), 'index']);
    expect(world.copies).toEqual([[digest(1), 'my-org/app:1']]);
  });

  test('a child with a subject is copied after it', async () => {
    publish({ 1: { children: [2, 3] }, 2: { layers: [1], subject: 3 } });
    world.listed.app = [version(1, '1')];
    const { ended, together } = record();
    expect(await run('app')).toMatchObject({ copied: 1, failed: 0 });
    expect([ended, together]).toEqual([[digest(3), digest(2)], []]);
  });

  test('one image of a repository goes first, then the rest side by side', async () => {
    world.listed.app = [version(1, '1'), version(2, '2'), version(3, '3')];
    const { ended, together } = record();
    expect(await run('app')).toMatchObject({ copied: 3, failed: 0 });
    expect(ended[0]).toBe(digest(1));
    expect(together).toEqual([[digest(2), digest(3)]]);
  });

  test('manifests that share a blob are never copied at the same time', async () => {
    publish({ 1: { children: [2, 3, 4] }, 2: { layers: [1, 2] }, 3: { layers: [1, 3] }, 4: { layers: [4] } });
    world.listed.app = [version(1, '1')];
    const { ended, together } = record();
    expect(await run('app')).toMatchObject({ copied: 1, failed: 0 });
    expect(ended).toHaveLength(3);
    expect(together).not.toContainEqual([digest(2), digest(3)]);
    expect(together).toContainEqual([digest(2), digest(4)]);
  });

  test('images that wait for the first do not hold up the first of another package', async () => {
    world.listed.app = Array.from({ length: 60 }, (_, at) => version(at + 1, `v${at}`));
    world.listed.other = [version(500, '1')];
    let open = (): void => undefined;
    const gate = new Promise<void>(resolve => { open = resolve; });
    world.process = async from => {
      if (from.endsWith(digest(500))) { open(); }
      if (from.endsWith(digest(1))) { await gate; }
    };
    expect(await run('app', 'other')).toMatchObject({ copied: 61, failed: 0 });
  });

  test('no more processes run at the same time than it is told', async () => {
    world.listed.app = Array.from({ length: 40 }, (_, at) => version(at + 1, `v${at}`));
    expect(await run('app')).toMatchObject({ copied: 40, failed: 0 });
    expect(world.mostProcesses).toBe(8);
  });

  test('each process takes one of the pace before it starts', async () => {
    world.listed.app = [version(1, '1'), version(2, '2')];
    let taken = 0;
    const { putImages } = world.dependencies;
    const take = putImages.take.bind(putImages);
    putImages.take = () => { taken++; return take(); };
    world.process = async () => { expect(taken).toBeGreaterThanOrEqual(world.bySkopeo.length); };
    await run('app');
    // Two processes and two tags.
    expect(taken).toBe(4);
  });

  test('a manifest whose PUT is throttled is put by PutImage: its blobs are there', async () => {
    world.listed.app = [version(1, '1')];
    world.refuseSkopeo = () => new PutThrottled();
    expect(await run('app')).toMatchObject({ copied: 1, failed: 0 });
    expect(world.bySkopeo).toHaveLength(1);
    expect(world.copies).toEqual([[digest(1), 'my-org/app:1']]);
  });
});

class PutThrottled extends SkopeoError {
  constructor() {
    super(`writing manifest: uploading manifest ${digest(1)} to ${HOST}/my-org/app: toomanyrequests: Rate exceeded`);
  }
}

describe('each engine stands behind the other', () => {
  test.each(['unknown', 'unsupported'] as const)('what skopeo fails to copy (%s) is moved directly', async cause => {
    world.listed.app = [version(1, '1')];
    world.refuseSkopeo = () => new Failure(cause);
    expect(await run('app')).toMatchObject({ copied: 1, failed: 0 });
    expect(world.moved).toHaveLength(2);
    expect(world.lines.filter(line => line.startsWith('fallback')))
      .toEqual([`fallback my-org/app@${digest(1)} to direct: ${cause}`]);
  });

  test.each(['unknown', 'unsupported'] as const)(
    'a manifest that can not be read (%s) is read by skopeo',
    async cause => {
      world.engine = CopyEngine.DIRECT;
      world.manifest = () => '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json"}';
      const own = 'sha256:1c2a7a4e5a6f1f3e';
      world.listed.app = [{ digest: own, tags: ['1'] }];
      world.refuse = () => new Failure(cause);
      await run('app');
      expect(world.inspected).toEqual([`ghcr.io/my-org/app@${own}`]);
      expect(world.lines).toContainEqual(expect.stringMatching(/^failed .*skopeo read sha256:\w+ for ghcr\.io.*does not match expected digest/));
    },
  );

  test.each([CopyEngine.SKOPEO, CopyEngine.DIRECT])(
    'a put that PutImage refuses (%s) is done by skopeo, with its tag',
    async engine => {
      world.engine = engine;
      world.listed.app = [version(1, '1')];
      const { target } = world.dependencies;
      const put = (): Promise<never> => Promise.reject(new Failure('unsupported', 'no PutImage'));
      expect(await sync(['app'], { ...world.dependencies, target: { ...target, put } }))
        .toMatchObject({ copied: 1, failed: 0 });
      expect(world.bySkopeo.at(-1)).toEqual([`ghcr.io/my-org/app@${digest(1)}`, `${HOST}/my-org/app:1`]);
    },
  );

  test('fails with what both say, and the cause that is known', async () => {
    world.listed.app = [version(1, '1')];
    world.refuseSkopeo = () => new Failure('unknown', 'skopeo gave up');
    world.refuseBlob = () => new Failure('denied', 'the registry said no');
    expect(await run('app')).toMatchObject({ copied: 0, failed: 1 });
    expect(world.lines).toContainEqual(expect.stringMatching(/^failed .*: skopeo gave up - then, by direct: the registry said no\. The packages token/));
  });

  test.each(['denied', 'lag', 'network', 'missing'] as const)(
    'but not where it could do no better (%s)',
    async cause => {
      world.listed.app = [version(1, '1')];
      world.refuseSkopeo = () => new Failure(cause);
      expect(await run('app')).toMatchObject({ copied: 0, failed: 1 });
      expect(world.moved).toEqual([]);
    },
  );
});

test('of a huge index no more manifests are read at the same time than the limit', async () => {
  world.engine = CopyEngine.DIRECT;
  publish({ 1: { children: Array.from({ length: 300 }, (_, at) => at + 2) } });
  world.listed.app = [version(1, '1')];
  let [reading, most] = [0, 0];
  const { source } = world.dependencies;
  const manifest: typeof source.manifest = async (...args) => {
    most = Math.max(most, ++reading);
    await new Promise(setImmediate);
    reading--;
    return source.manifest(...args);
  };
  expect(await sync(['app'], { ...world.dependencies, source: { ...source, manifest } }))
    .toMatchObject({ copied: 1, failed: 0 });
  expect(most).toBeLessThanOrEqual(32);
});

test('a blob is not mounted from a repository where no manifest refers to it', async () => {
  world.engine = CopyEngine.DIRECT;
  world.listed.one = [version(1, '1')];
  world.listed.two = [version(1, '1')];
  world.refusePut = (_, to) => to.startsWith('my-org/one') ? new Failure('denied') : undefined;
  expect(await run('one', 'two')).toMatchObject({ copied: 1, failed: 1 });
  expect(world.moved.filter(({ to }) => to === 'my-org/two').map(({ mountFrom }) => mountFrom))
    .toEqual([undefined, undefined]);
});

describe('a child that ECR refuses', () => {
  beforeEach(() => { world.engine = CopyEngine.DIRECT; });
  const refuses = (n: number): void => {
    const { target } = world.dependencies;
    const put = target.put.bind(target);
    target.put = (repository, manifest, own, tag) => own === digest(n)
      ? Promise.reject(new Failure('unsupported', 'no'))
      : put(repository, manifest, own, tag);
    world.refuseSkopeo = () => new Failure('unsupported', 'no');
  };

  test('fails the image that it belongs to, and is named', async () => {
    publish({ 1: { children: [2, 3] }, 3: { layers: [1], subject: 2 } });
    refuses(3);
    world.listed.app = [version(1, '1')];
    expect(await run('app')).toMatchObject({ copied: 0, refused: 0, failed: 1 });
    expect(world.lines).toContainEqual(expect.stringMatching(`^failed +my-org/app:1 ${digest(1)}: child ${digest(3)}: `
      + 'no - then, by skopeo: no\\. ECR does not accept'));
  });

  test('fails the image also when all the others were there before', async () => {
    publish({ 1: { children: [2, 3] }, 3: { layers: [1], subject: 2 } });
    refuses(3);
    world.hold('my-org/app', { other: 2 });
    world.listed.app = [version(1, '1')];
    expect(await run('app')).toMatchObject({ copied: 0, refused: 0, failed: 1 });
  });

  test('is only refused where the whole index is artifacts', async () => {
    publish({ 1: { children: [2, 3] }, 2: { layers: [1], subject: 7 }, 3: { layers: [2], subject: 7 } });
    refuses(3);
    world.listed.app = [version(1, '1')];
    expect(await run('app')).toMatchObject({ copied: 0, refused: 1, failed: 0 });
  });
});
