import { isDigest, isRepositoryName, isTag, repositoryName, sourceRepository } from '../../../src/image-name';

describe('repositoryName', () => {
  test.each([
    ['my-org', 'app', 'my-org/app'],
    ['my-org', 'team/tool', 'my-org/team/tool'],
    ['my-org', 'App', 'my-org/app'],
    ['mirror/ghcr', 'app', 'mirror/ghcr/app'],
    ['', 'app', 'app'],
    ['', 'team/tool', 'team/tool'],
  ])('of prefix "%s" and package "%s" is "%s"', (prefix, name, expected) => {
    expect(repositoryName(prefix, name)).toBe(expected);
  });
});

describe('sourceRepository', () => {
  test.each([
    ['My-Org', 'App', 'my-org/app'],
    ['my-org', 'team/tool', 'my-org/team/tool'],
  ])('of organization "%s" and package "%s" is "%s"', (organization, name, expected) => {
    expect(sourceRepository(organization, name)).toBe(expected);
  });
});

describe('isRepositoryName', () => {
  test.each([
    'ab', '12', 'my-org/app', 'my-org/team/tool', 'a.b', 'a_b', 'a__b', 'a-b', 'a--b', 'a---b/c', 'a/b',
    `${'a'.repeat(127)}/${'b'.repeat(128)}`,
  ])('accepts "%s"', name => {
    expect(isRepositoryName(name)).toBe(true);
  });

  test.each([
    ['nothing', ''],
    ['one character', 'a'],
    ['257 characters', 'a'.repeat(257)],
    ['upper case', 'My-org/app'],
    ['a leading slash', '/app'],
    ['a trailing slash', 'app/'],
    ['a doubled slash', 'my-org//app'],
    ['a leading dot', '.app'],
    ['a trailing hyphen', 'app-'],
    ['a hyphen before a slash', 'my-/app'],
    ['doubled dots', 'a..b'],
    ['three underscores', 'a___b'],
    ['mixed separators', 'a.-b'],
    ['a space', 'my app'],
    ['a tag', 'app:1'],
    ['a line break at the end', 'my-org/app\n'],
    ['a letter beyond ASCII', 'äpp'],
  ])('rejects %s', (_, name) => {
    expect(isRepositoryName(name)).toBe(false);
  });

  test('decides on a long name of separators at once', () => {
    // A regular expression that backtracks exponentially would not come back from this one.
    expect(isRepositoryName(`${'a-'.repeat(127)}!`)).toBe(false);
  });
});

describe('isTag', () => {
  test.each([
    '1',
    'latest',
    'v1.2.3',
    '_private',
    'A-b_c.d',
    `sha256-${'a'.repeat(64)}`,
    `sha256-${'a'.repeat(64)}.sig`,
    'x'.repeat(128),
  ])('accepts "%s"', tag => {
    expect(isTag(tag)).toBe(true);
  });

  test.each(['', '.hidden', '-dash', 'a/b', 'a:b', 'a b', 'a+b', 'ü', 'x'.repeat(129), 'latest\n'])(
    'rejects "%s"',
    tag => {
      expect(isTag(tag)).toBe(false);
    },
  );
});

describe('isDigest', () => {
  test('accepts sha256 with 64 hexadecimal digits', () => {
    expect(isDigest(`sha256:${'0a'.repeat(32)}`)).toBe(true);
  });

  test.each([
    '',
    'sha256:',
    `sha256:${'a'.repeat(63)}`,
    `sha256:${'a'.repeat(65)}`,
    `sha256:${'A'.repeat(64)}`,
    `sha512:${'a'.repeat(64)}`,
    'a'.repeat(64),
    `sha256-${'a'.repeat(64)}`,
    `sha256:${'a'.repeat(64)}\n`,
  ])('rejects "%s"', digest => {
    expect(isDigest(digest)).toBe(false);
  });
});
