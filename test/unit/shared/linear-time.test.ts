import { hookIdIn } from '../../../lambda/registration/physical-id';
import { lastPage } from '../../../lambda/shared/last-page';
import { isImmutable } from '../../../lambda/shared/mutability';
import { parsePackageEvent } from '../../../lambda/shared/package-event';
import { secretName, tokenIn } from '../../../lambda/shared/secrets';
import { failureText } from '../../../lambda/sync/report';
import { lastMessage, SkopeoError } from '../../../lambda/sync/skopeo/errors';
import { isDigest, isRepositoryName, isTag } from '../../../src/image-name';

/**
 * Everything that reads text which an enemy chooses, with the text that is worst for it. Four times the text may take
 * about four times as long; a quadratic reader takes sixteen times as long, and one that backtracks never ends.
 */
const READERS: readonly (readonly [string, (text: string) => unknown, (n: number) => string])[] = [
  ['a Link header of pages that never end', read(lastPage), n => '?page=1'.repeat(n) + 'rel="last"'],
  ['a Link header of one long number', read(lastPage), n => `<https://a/?page=${'1'.repeat(n)}; rel="last"`],
  ['a tag that nearly matches again and again', text => excluded('*aab*aab*aab*c', text), n => 'aa'.repeat(n) + 'aab'],
  ['a filter of wildcards alone', text => excluded(text, 'a'.repeat(128)), n => '*'.repeat(n) + 'b'],
  ['a package name of separators', isRepositoryName, n => 'a-'.repeat(n)],
  ['a package name of hyphens', isRepositoryName, n => 'a' + '-'.repeat(n)],
  ['a package name of slashes', isRepositoryName, n => 'a/'.repeat(n)],
  ['a package name of underscores', isRepositoryName, n => 'a__'.repeat(n) + '_'],
  ['a tag of points', isTag, n => '.'.repeat(n)],
  ['a digest of digits', isDigest, n => `sha256:${'0'.repeat(n)}`],
  ['an event with a long name',
    text => parsePackageEvent('package', { package: { name: text, package_version: { version: text } } }, 'o'),
    n => 'sha256:'.repeat(n)],
  ['a secret of white space', read(text => tokenIn(text, 'arn')), n => ' '.repeat(n)],
  ['a secret of open braces', read(text => tokenIn(text, 'arn')), n => '{'.repeat(n)],
  ['the ARN of a secret of hyphens', secretName, n => `arn:aws:secretsmanager:r:1:secret:${'-aaaaaa'.repeat(n)}`],
  ['a physical id of digits', hookIdIn, n => `o/${'1'.repeat(n)}x`],
  ['an error of white space', text => failureText(new Error(text), true), n => `${' '.repeat(n)}x`],
  ['an error of points', text => failureText(new Error(text), true), n => `${'.'.repeat(n)}x`],
  ['skopeo\'s error that begins like a cause', causeOf,
    n => 'already exists token failed to read from destination repository '.repeat(n / 50)],
  ['skopeo\'s error of status codes', causeOf, n => '50'.repeat(n)],
  ['skopeo\'s error of a name again and again', text => new SkopeoError(text, ['ghcr.io/o/aa:a']),
    n => '/aa:a'.repeat(n)],
  ['skopeo\'s messages that never end', lastMessage, n => `level=fatal ${'msg=\\"'.repeat(n)}`],
  ['skopeo\'s message of escapes', lastMessage, n => `level=fatal msg="${'\\\\'.repeat(n)}`],
];

function causeOf(text: string): string {
  return new SkopeoError(text).failureCause;
}

/** Errors are answers, too. */
function read(reader: (text: string) => unknown): (text: string) => unknown {
  return text => {
    try { return reader(text); } catch (error) { return error; }
  };
}

function excluded(filter: string, tag: string): boolean {
  return isImmutable({ setting: 'MUTABLE_WITH_EXCLUSION', exclusions: [filter] }, tag);
}

/** The fastest of five runs, in milliseconds. Anything below a fifth of a millisecond is noise, and counts as that. */
function duration(reader: (text: string) => unknown, text: string): number {
  const runs = Array.from({ length: 5 }, () => {
    const start = process.hrtime.bigint();
    reader(text);
    return Number(process.hrtime.bigint() - start) / 1e6;
  });
  return Math.max(0.2, Math.min(...runs));
}

describe('takes time in proportion to its length:', () => {
  // 3,000 characters take a quadratic reader some 10 ms, so that this ends, and fails, with one.
  test.each(READERS)('%s', (_, reader, attack) => {
    const [small, large] = [attack(3_000), attack(12_000)];
    reader(small);
    expect(duration(reader, large) / duration(reader, small)).toBeLessThan(9);
  });
});

test('a tag and many wildcards, as the attack was found', () => {
  const attack = (n: number): number => duration(tag => excluded('*a'.repeat(6) + '*b', tag), 'a'.repeat(n));
  expect(attack(32) / attack(8)).toBeLessThan(9);
});
