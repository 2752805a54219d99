import { Failure, World } from './sync-world';
import { regroup } from '../../../lambda/sync/source-tags';
import { sync } from '../../../lambda/sync/sync';
import { digest, version } from '../shared/samples';

const A = digest(1);
const B = digest(2);
const C = digest(3);

describe('tags are grouped by the digest that GHCR gives them now', () => {
  test.each<[string, Record<string, string>, [string, string[]][]]>([
    ['all stay', { latest: A, 1: A }, [[A, ['latest', '1']]]],
    ['one has moved', { latest: B, 1: A }, [[B, ['latest']], [A, ['1']]]],
    ['each to another image', { latest: B, 1: C }, [[B, ['latest']], [C, ['1']]]],
    ['GHCR does not know one yet', { latest: B }, [[B, ['latest']], [A, ['1']]]],
    ['GHCR knows none yet', {}, [[A, ['latest', '1']]]],
  ])('%s', (_, now, groups) => {
    expect(regroup({ digest: A, tags: ['latest', '1'] }, new Map(Object.entries(now))))
      .toEqual(groups.map(([own, tags]) => ({ digest: own, tags })));
  });
});

describe('a plan that has grown old', () => {
  let world: World;
  beforeEach(() => { world = new World(); });

  /** ECR's `latest` once `app` is synced by a plan that says A. */
  async function syncPlanOfA(): Promise<{ latest: string | undefined; report: Awaited<ReturnType<typeof sync>> }> {
    world.listed.app = [version(1, 'latest')];
    const report = await sync(['app'], world.dependencies);
    return { latest: world.hold('my-org/app').tags.get('latest'), report };
  }

  test('does not move a tag back that GHCR has moved on', async () => {
    world.hold('my-org/app', { latest: 2 });
    world.sourceTag = () => B;
    expect((await syncPlanOfA()).latest).toBe(B);
    expect(world.copies).toEqual([]);
  });

  test('copies the image that a tag points to by now', async () => {
    world.hold('my-org/app', { latest: 9 });
    world.sourceTag = () => B;
    expect((await syncPlanOfA()).latest).toBe(B);
    expect(world.copies).toEqual([[B, 'my-org/app:latest']]);
  });

  test('follows a tag that moves while its image is copied', async () => {
    world.sourceTag = () => world.copies.length === 0 ? A : B;
    const { latest, report } = await syncPlanOfA();
    expect(latest).toBe(B);
    expect(report).toMatchObject({ copied: 1, failed: 0, left: 0 });
    expect(world.copies.map(([own]) => own)).toEqual([A, B]);
  });

  test('leaves the tags alone that stay', async () => {
    world.listed.app = [version(1, 'latest', '1')];
    world.sourceTag = (_, tag) => tag === 'latest' && world.copies.length > 0 ? B : A;
    expect(await sync(['app'], world.dependencies)).toMatchObject({ copied: 2, failed: 0 });
    expect(world.hold('my-org/app').tags).toEqual(new Map([['latest', B], ['1', A]]));
  });

  test('asks before the put only where a tag exists, and after each put', async () => {
    world.hold('my-org/app', { latest: 9 });
    world.listed.app = [version(1, 'latest', '1')];
    await sync(['app'], world.dependencies);
    expect(world.asked).toEqual(['latest', 'latest', '1'].map(tag => `my-org/app:${tag}`));
  });

  test('fails when GHCR moves a tag without end', async () => {
    let moves = 1;
    world.sourceTag = () => digest(++moves);
    const { report } = await syncPlanOfA();
    expect(report.failed).toBe(1);
    expect(world.lines.join('\n')).toContain('GHCR moved latest more than 5 times while this build copied it');
  });

  test('fails when GHCR does not say where the tag points to: equality is not known then', async () => {
    world.dependencies.source.tagDigest = () => Promise.reject(new Failure('denied'));
    expect((await syncPlanOfA()).report).toMatchObject({ failed: 1 });
  });
});
