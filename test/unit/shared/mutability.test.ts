import * as fc from 'fast-check';
import { digest, target, version } from './samples';
import { isImmutable } from '../../../lambda/shared/mutability';
import { movesTags, plan } from '../../../lambda/shared/plan';

describe('isImmutable', () => {
  test.each<[string, readonly string[], string, boolean]>([
    ['MUTABLE', [], 'latest', false],
    ['IMMUTABLE', [], 'latest', true],
    ['IMMUTABLE_WITH_EXCLUSION', ['latest'], 'latest', false],
    ['IMMUTABLE_WITH_EXCLUSION', ['latest'], 'latest-1', true],
    ['IMMUTABLE_WITH_EXCLUSION', ['dev-*', '*-rc*'], '1.0-rc1', false],
    ['IMMUTABLE_WITH_EXCLUSION', ['v1.*'], 'v1x2', true],
    ['MUTABLE_WITH_EXCLUSION', ['v*'], 'v1', true],
    ['MUTABLE_WITH_EXCLUSION', ['v*'], 'latest', false],
    ['MUTABLE_WITH_EXCLUSION', ['*'], 'latest', true],
    ['MUTABLE_WITH_EXCLUSION', ['latest*'], 'latest', true],
    ['MUTABLE_WITH_EXCLUSION', ['a*a'], 'a', false],
    ['MUTABLE_WITH_EXCLUSION', ['a*a'], 'aa', true],
    ['MUTABLE_WITH_EXCLUSION', ['*ab*b'], 'abb', true],
    ['MUTABLE_WITH_EXCLUSION', ['*ab*b'], 'ab', false],
    ['MUTABLE_WITH_EXCLUSION', ['**1**'], 'v1.0', true],
    ['MUTABLE_WITH_EXCLUSION', ['a*b*c'], 'a-c-b', false],
    ['MUTABLE_WITH_EXCLUSION', ['v[0-9]'], 'v1', false],
    ['MUTABLE_WITH_EXCLUSION', [''], 'latest', false],
  ])('%s except %j: "%s" is %p', (setting, exclusions, tag, expected) => {
    expect(isImmutable({ setting, exclusions }, tag)).toBe(expected);
  });
});

test('a filter means the same as the regular expression that its wildcards stand for', () => {
  const word = (...letters: string[]) =>
    fc.array(fc.constantFrom(...letters), { maxLength: 8 }).map(parts => parts.join(''));
  fc.assert(fc.property(word('a', 'b', '.', '*'), word('a', 'b', '.'), (filter, tag) => {
    const pattern = filter.split('*').map(literal => literal.replaceAll('.', '[.]')).join('.*');
    expect(isImmutable({ setting: 'MUTABLE_WITH_EXCLUSION', exclusions: [filter] }, tag))
      .toBe(new RegExp(`^${pattern}$`).test(tag));
  }), { numRuns: 2_000 });
});

describe('a plan for an immutable repository', () => {
  const held = { ...target({ latest: 1, 1: 1 }), mutability: { setting: 'IMMUTABLE', exclusions: [] } };
  const source = [version(2, 'latest', '2'), version(1, '1')];

  test('leaves a moved tag, names it, and does the rest', () => {
    expect(plan('my-org/app', source, held)).toMatchObject({
      actions: [{ kind: 'copy', digest: digest(2), tags: ['2'] }],
      conflicts: [{ tag: 'latest', digest: digest(2), present: digest(1) }],
      unchanged: 1,
    });
  });

  test('has no action for an image whose every tag is in conflict', () => {
    expect(plan('my-org/app', [version(2, 'latest')], held).actions).toEqual([]);
  });

  test('moves what the filters exclude', () => {
    const excluded = { ...held, mutability: { setting: 'IMMUTABLE_WITH_EXCLUSION', exclusions: ['lat*'] } };
    expect(plan('my-org/app', source, excluded))
      .toMatchObject({ conflicts: [], actions: [{ kind: 'copy', tags: ['latest', '2'] }] });
  });
});

test.each([
  ['a new tag', [version(2, '2')], false],
  ['a moved tag', [version(2, '1')], true],
  ['a right tag', [version(1, '1')], false],
])('%s moves a tag: %p', (_, source, expected) => {
  const held = target({ 1: 1 });
  expect(movesTags(plan('my-org/app', source, held), held)).toBe(expected);
});
