import { ECRServiceException, LayersNotFoundException } from '@aws-sdk/client-ecr';
import { sync } from '../../../../lambda/sync/sync';
import { CopyEngine } from '../../../../src/contract/copy-engine';
import { digest, version } from '../../shared/samples';
import { Failure, HOST, World } from '../sync-world';

let world: World;
beforeEach(() => { world = new World(); });

function run(...packages: string[]): ReturnType<typeof sync> {
  return sync(packages, world.dependencies);
}

describe('blobs', () => {
  const [blob, layer] = [expect.stringMatching(/^sha256:c/) as string, expect.stringMatching(/^sha256:d/) as string];

  test('are moved before the manifest that names them, and asked for where the repository may have them', async () => {
    world.hold('my-org/app', { old: 9 });
    world.listed.app = [version(1, '1')];
    world.listed.new = [version(1, '1')];
    await run('app', 'new');
    expect(world.moved.map(({ to, blob: { digest: own }, mayBePresent }) => [to, own, mayBePresent]))
      .toEqual(expect.arrayContaining([
        ['my-org/app', blob, true],
        ['my-org/app', layer, true],
        ['my-org/new', blob, false],
        ['my-org/new', layer, false],
      ]));
  });

  test('that another repository of the run has are asked for there', async () => {
    world.listed.one = [version(1, '1')];
    world.listed.two = [version(1, '1')];
    await run('one', 'two');
    expect(world.moved.map(({ to, mountFrom }) => [to, mountFrom])).toEqual([
      ['my-org/one', undefined], ['my-org/one', undefined], ['my-org/two', 'my-org/one'], ['my-org/two', 'my-org/one'],
    ]);
  });

  test('fail their image alone, with their cause', async () => {
    world.listed.app = [version(1, '1'), version(2, '2')];
    world.refuseBlob = ({ blob: { digest: own } }) => own.endsWith(digest(1).slice(-8))
      ? new Failure('network', 'connection reset')
      : undefined;
    expect(await run('app')).toMatchObject({ copied: 1, failed: 1, bytes: 100 });
    expect(world.lines).toContainEqual(
      expect.stringMatching(`^failed +my-org/app:1 ${digest(1)}: connection reset\\. The connection failed again`),
    );
    expect(world.bySkopeo).toEqual([]);
  });

  test('that ECR said it has, and misses at the manifest, are moved after all', async () => {
    world.hold('my-org/app', { old: 9 });
    world.listed.app = [version(1, '1')];
    const message = 'Layers with digests \'[sha256:1]\' required for pushing image into repository with name '
      + '\'my-org/app\' do not exist';
    world.refusePut = () => world.copies.length === 1
      ? new LayersNotFoundException({ message, $metadata: {} })
      : undefined;
    expect(await run('app')).toMatchObject({ copied: 1, failed: 0 });
    expect(world.moved.map(({ mayBePresent }) => mayBePresent)).toEqual([true, true, false, false]);
  });

  test.each([['in a way that nobody knows', 'unknown'], ['as something unknown to it', 'unsupported']] as const)(
    'that a registry refuses %s are left to skopeo', async (_, cause) => {
      world.listed.app = [version(1, '1', 'latest')];
      world.refuseBlob = () => new Failure(cause);
      expect(await run('app')).toMatchObject({ copied: 1, failed: 0, bytes: 100 });
      expect(world.bySkopeo).toEqual([[`ghcr.io/my-org/app@${digest(1)}`, `${HOST}/my-org/app@${digest(1)}`]]);
      expect(world.lines).toContain(`fallback my-org/app@${digest(1)} to skopeo: ${cause}`);
      expect(world.tagged).toEqual([['my-org/app', digest(1), '1'], ['my-org/app', digest(1), 'latest']]);
    });
});

test('a manifest that ECR throttles is put again, more slowly', async () => {
  world.listed.app = [version(1, '1')];
  const throttled = new ECRServiceException({
    name: 'ThrottlingException',
    message: 'Rate exceeded',
    $fault: 'client',
    $metadata: {},
  });
  world.refusePut = () => world.copies.length <= 3 ? throttled : undefined;
  expect(await run('app')).toMatchObject({ copied: 1, failed: 0 });
  expect(world.moved).toHaveLength(2);
  expect(world.dependencies.putImages.epoch).toBe(3);
});

test('a manifest that names a blob of another package fails, and skopeo does not get to mount it', async () => {
  world.engine = CopyEngine.SKOPEO;
  world.listed.victim = [version(1, '1')];
  world.listed.thief = [version(2, '1')];
  world.lacking.push(`my-org/thief sha256:d${digest(2).slice('sha256:d'.length)}`);
  expect(await run('victim', 'thief')).toMatchObject({ copied: 1, failed: 1 });
  expect(world.bySkopeo.map(([from]) => from)).toEqual([`ghcr.io/my-org/victim@${digest(1)}`]);
  expect(world.lines.join('\n')).toMatch(/names blob sha256:d\w+, which package "thief" does not have/);
});
