import { defects, quietWorld, runSync, SyncResult } from './sync-run';
import { buildxIndex } from '../../sandbox/registry/artifacts';
import { image, index, layer } from '../../sandbox/registry/images';
import type { World } from '../../sandbox/world/world';
import { CopyEngine } from '../../src';

jest.setTimeout(60_000);

let world: World;
let names = 0;
/** Each test has a package of its own in one world. */
let app: string;
beforeAll(async () => { world = await quietWorld({ mirror: { putImageRate: 1000 } }); });
afterAll(() => world?.close());
beforeEach(() => { app = `app-${++names}`; });

const repository = (): string => `${world.namespace}/${app}`;

/** Runs a build, and tells what reached ECR's registry meanwhile. */
async function sync(): Promise<SyncResult & { readonly uploads: readonly string[] }> {
  const before = world.ecr.requests.length;
  const result = await runSync(world, app);
  const requests = world.ecr.requests.slice(before);
  return {
    ...result,
    uploads: requests.flatMap(({ method, path, status }) =>
      method === 'PUT' && status === 201 ? /\/blobs\/uploads\/.*[?&]digest=([^&]+)/.exec(path)?.slice(1).map(decodeURIComponent) ?? [] : []),
  };
}

function mutability(imageTagMutability: string, filter?: string): Promise<unknown> {
  return world.cloud.call('ecr', 'PutImageTagMutability', {
    repositoryName: repository(),
    imageTagMutability,
    ...(filter === undefined ? {} : { imageTagMutabilityExclusionFilters: [{ filterType: 'WILDCARD', filter }] }),
  });
}

describe('nothing twice', () => {
  test('a tag that moves to an image that ECR has moves without a byte', async () => {
    const [old, young] = [buildxIndex({ seed: 'old' }), buildxIndex({ seed: 'young' })];
    await world.push(app, old, '1', 'latest');
    await world.push(app, young, '2', 'latest');
    await sync();
    await world.push(app, old, 'latest');
    const before = world.ecr.requests.length;
    expect(await sync()).toMatchObject({ status: 'SUCCEEDED', summary: { copied: 0, tagged: 1, bytes: 0 } });
    expect(world.ecr.requests).toHaveLength(before);
    expect(await world.target(app, 'latest')).toBe(old.digest);
    expect(await world.target(app, '2')).toBe(young.digest);
  });

  test('fifty tags on five digests are five copies', async () => {
    const images = Array.from({ length: 5 }, (_, n) => image({ seed: `${app}-${n}` }));
    for (const [n, content] of images.entries()) {
      await world.push(app, content, ...Array.from({ length: 10 }, (_, tag) => `v${n}.${tag}`));
    }
    const result = await sync();
    expect(result).toMatchObject({ status: 'SUCCEEDED', summary: { copied: 5, tagged: 0, failed: 0 } });
    expect([...result.uploads].sort()).toEqual(images.flatMap(({ blobs }) => blobs.map(({ digest }) => digest)).sort());
    for (const [n, content] of images.entries()) { expect(await world.target(app, `v${n}.7`)).toBe(content.digest); }
  });

  test('images that share layers upload each of them once, though they are copied side by side', async () => {
    const base = [
      layer({ seed: `${app}-base`, layerBytes: 300_000 }),
      layer({ seed: `${app}-runtime`, layerBytes: 100_000 }),
    ];
    const images = Array.from({ length: 6 }, (_, n) => image({
      layers: [...base, layer({ seed: `${app}-${n}`, layerBytes: 20_000 })],
    }));
    for (const [n, content] of images.entries()) { await world.push(app, content, `v${n}`); }
    const { uploads, summary } = await sync();
    const once = new Set(images.flatMap(({ blobs }) => blobs.map(({ digest }) => digest)));
    expect([...uploads].sort()).toEqual([...once].sort());
    expect(summary).toMatchObject({ copied: 6 });

    await world.push(app, image({ layers: [...base, layer({ seed: `${app}-next`, layerBytes: 20_000 })] }), 'next');
    expect((await sync()).uploads).toHaveLength(2);
  });

  test('an image that several indexes list is copied once', async () => {
    const child = image({ seed: app });
    const indexes = ['a', 'b', 'c']
      .map(name => index([child, image({ seed: `${app}-${name}`, platform: 'linux/arm64' })]));
    for (const [n, content] of indexes.entries()) { await world.push(app, content, `v${n}`); }
    // Pushed with an index before, and tagged itself.
    await world.push(app, child, 'child');
    const first = await sync();
    expect(first).toMatchObject({ summary: { copied: 4, failed: 0 } });
    expect(new Set(first.uploads).size).toBe(first.uploads.length);
    const other = image({ seed: `${app}-d` });
    await world.push(app, index([child, other]), 'later');
    const second = await sync();
    expect(second).toMatchObject({ summary: { copied: 1 } });
    expect([...second.uploads].sort()).toEqual(other.blobs.map(({ digest }) => digest).sort());
    for (const [n, content] of indexes.entries()) {
      expect(await defects(world.puller(), repository(), `v${n}`, content)).toEqual([]);
    }
    expect(await world.target(app, 'child')).toBe(child.digest);
  });
});

describe('the same image in two packages', () => {
  const content = image({ layers: [layer({ seed: 'twins', layerBytes: 200_000 })] });

  test.each([[true, 1], [false, 2]])('is sent once where the account '
    + 'mounts blobs (%p: %i times)', async (blobMounting, times) => {
    const twins = await quietWorld({
      mirror: { putImageRate: 1000, engine: CopyEngine.DIRECT },
      cloud: { ecr: { blobMounting } },
    });
    try {
      await twins.push('one', content, '1');
      await twins.push('two', content, '1');
      const result = await runSync(twins);
      expect(result).toMatchObject({ status: 'SUCCEEDED', summary: { copied: 2, failed: 0 } });
      expect(result.summary?.bytes).toBe(times * content.blobs.reduce((sum, { bytes }) => sum + bytes.length, 0));
      for (const name of ['one', 'two']) {
        expect(await defects(twins.puller(), `${twins.namespace}/${name}`, '1', content)).toEqual([]);
      }
    } finally {
      await twins.close();
    }
  });
});

describe('a tag that may not move', () => {
  const [old, young] = [image({ seed: 'before' }), image({ seed: 'after' })];

  test.each<[string, string | undefined, readonly string[], readonly string[]]>([
    ['IMMUTABLE', undefined, ['1', 'latest'], []],
    ['IMMUTABLE_WITH_EXCLUSION', 'lat*', ['1'], ['latest']],
    ['MUTABLE_WITH_EXCLUSION', '1*', ['1'], ['latest']],
  ])('is a conflict with both digests in a repository '
    + 'that is %s, and is left', async (setting, filter, kept, moved) => {
    await world.push(app, old, '1', 'latest');
    await sync();
    await mutability(setting, filter);
    await world.push(app, young, '1', 'latest', 'new');
    const result = await sync();
    expect(result).toMatchObject({ status: 'SUCCEEDED', summary: { copied: 1, conflicts: kept.length, failed: 0 } });
    for (const tag of kept) {
      expect(result.lines).toContainEqual(expect.stringMatching(`^conflict ${repository()}:${tag} ${young.digest}: `
        + `ECR holds ${old.digest} under this tag`));
      expect(await world.target(app, tag)).toBe(old.digest);
    }
    for (const tag of [...moved, 'new']) { expect(await world.target(app, tag)).toBe(young.digest); }
  });

  test('starts no build when there is nothing else to do', async () => {
    await world.push(app, old, '1');
    await sync();
    await mutability('IMMUTABLE');
    await world.push(app, young, '1');
    const builds = world.cloud.services.codeBuild.builds.length;
    await world.cloud.call('sqs', 'SendMessage', {
      QueueUrl: world.stack.outputs.QueueUrl,
      MessageBody: JSON.stringify({ kind: 'package', package: app }),
    });
    await world.settled();
    expect(world.cloud.services.codeBuild.builds).toHaveLength(builds);
    expect(await world.target(app, '1')).toBe(old.digest);
  });

  test('is done when it has the right digest: the answer to the first try was lost', async () => {
    await world.push(app, old, '0');
    await sync();
    await mutability('IMMUTABLE');
    await world.push(app, young, '1');
    world.cloud.faults.add({ operation: 'PutImage', fault: { kind: 'truncate', afterBytes: 0 } });
    const result = await sync();
    expect(world.cloud.faults.injected.filter(({ fault }) => fault.kind === 'truncate')).toHaveLength(1);
    expect(result).toMatchObject({ status: 'SUCCEEDED', summary: { conflicts: 0, failed: 0 } });
    expect(await world.target(app, '1')).toBe(young.digest);
  });
});

test('an image that was archived is brought back when a tag is to point to it', async () => {
  const content = buildxIndex({ seed: app });
  await world.push(app, content, '1');
  await sync();
  world.ecr.images(repository()).forEach(({ digest }) => world.ecr.archive(repository(), digest));
  await world.push(app, content, '2');
  expect(await sync()).toMatchObject({ status: 'SUCCEEDED', summary: { failed: 0 } });
  expect(await defects(world.puller(), repository(), '2', content)).toEqual([]);
});
