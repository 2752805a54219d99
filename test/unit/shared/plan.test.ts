import { digest, target, version } from './samples';
import { plan } from '../../../lambda/shared/plan';

const REPOSITORY = 'my-org/app';

function copy(n: number, ...tags: string[]) { return { kind: 'copy', digest: digest(n), tags }; }
function tag(n: number, ...tags: string[]) { return { kind: 'tag', digest: digest(n), tags }; }

describe('actions', () => {
  test.each([
    ['nothing on both sides', [], undefined, []],
    ['a repository that does not exist: copies', [version(1, '1')], undefined, [copy(1, '1')]],
    ['an empty repository: copies', [version(1, '1')], target({}), [copy(1, '1')]],
    ['several tags of one image: one copy', [version(1, '1', '1.0', 'latest')], target({}),
      [copy(1, '1', '1.0', 'latest')]],
    ['everything there: nothing', [version(2, '2'), version(1, '1')], target({ 2: 2, 1: 1 }), []],
    ['one tag of an image missing: tags that one alone', [version(1, '1', 'latest')], target({ 1: 1 }),
      [tag(1, 'latest')]],
    ['the image is there untagged: tags', [version(1, '1')], target({}, 1), [tag(1, '1')]],
    ['a tag moved to a new image: copies', [version(2, 'latest'), version(1)], target({ latest: 1 }),
      [copy(2, 'latest')]],
    ['a tag moved to an image that is there: tags', [version(2, '2', 'latest'), version(1, '1')],
      target({ 2: 2, 1: 1, latest: 1 }), [tag(2, 'latest')]],
    ['a tag that GitHub no longer has: stays', [version(2, '2')], target({ 2: 2, old: 1 }), []],
    ['children of an index: travel with it', [version(3, '1'), version(2), version(1)], target({}), [copy(3, '1')]],
    ['a mix: newest first', [version(3, '3'), version(2, '2'), version(1, '1')], target({ 2: 2 }, 1),
      [copy(3, '3'), tag(1, '1')]],
    ['signature tags: mirrored as any other', [version(1, `sha256-${'a'.repeat(64)}.sig`)], target({}),
      [copy(1, `sha256-${'a'.repeat(64)}.sig`)]],
    ['tags that differ by case: are two', [version(2, 'V1'), version(1, 'v1')], target({ v1: 1 }), [copy(2, 'V1')]],
  ])('%s', (_, source, held, expected) => {
    expect(plan(REPOSITORY, source, held).actions).toEqual(expected);
  });
});

describe('pages that shift while they are read', () => {
  test.each([
    ['a version that comes twice counts once', [version(1, '1'), version(1, '1')], [copy(1, '1')]],
    ['a version that comes twice keeps the first tags', [version(1, '1', '2'), version(1, '1')], [copy(1, '1', '2')]],
    ['a tag on two versions belongs to the newer', [version(2, 'latest'), version(1, 'latest', '1')],
      [copy(2, 'latest'), copy(1, '1')]],
    ['a tag that comes twice on one version counts once', [version(1, 'a', 'a')], [copy(1, 'a')]],
  ])('%s', (_, source, expected) => {
    expect(plan(REPOSITORY, source, undefined).actions).toEqual(expected);
  });

  test('a version whose tags all moved meanwhile is not counted as untagged', () => {
    expect(plan(REPOSITORY, [version(2, 'latest'), version(1, 'latest')], undefined).skipped).toEqual({});
  });
});

describe('what is left out, with its reason', () => {
  test.each([
    ['untagged versions', REPOSITORY, [version(2), version(1)], { untagged: 2 }],
    ['tags that no client can pull', REPOSITORY, [version(1, 'ok', 'a/b', '.x')], { 'invalid-tag': 2 }],
    ['every version, when ECR accepts no such repository', 'my-org/a___b', [version(2, '2'), version(1)],
      { 'invalid-repository-name': 2 }],
  ])('%s', (_, repository, source, expected) => {
    expect(plan(repository, source, undefined).skipped).toEqual(expected);
  });

  test('a version with invalid tags alone is no action', () => {
    expect(plan(REPOSITORY, [version(1, 'a/b')], undefined).actions).toEqual([]);
  });

  test('a repository that ECR does not accept has no action', () => {
    expect(plan('my-org/a___b', [version(1, '1')], undefined).actions).toEqual([]);
  });
});

test('counts the tags that are right', () => {
  expect(plan(REPOSITORY, [version(2, '2', 'latest'), version(1, '1')], target({ 2: 2, latest: 1, 1: 1 })).unchanged)
    .toBe(2);
});

test.each([[undefined, false], [target({}), true]])('tells whether the repository is there', (held, expected) => {
  expect(plan(REPOSITORY, [version(1, '1')], held))
    .toMatchObject({ repository: REPOSITORY, repositoryExists: expected });
});

test('changes none of what it is given', () => {
  const source = Object.freeze([Object.freeze({ digest: digest(1), tags: Object.freeze(['1', 'a/b']) })]);
  const held = target({ 1: 2 });
  plan(REPOSITORY, source, held);
  expect(held).toEqual(target({ 1: 2 }));
});
