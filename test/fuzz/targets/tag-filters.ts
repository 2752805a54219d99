import fc from 'fast-check';
import { isImmutable } from '../../../lambda/shared/mutability';
import { FuzzTarget, require } from '../target';

interface Filtered {
  readonly setting: string;
  readonly exclusions: readonly string[];
  readonly tag: string;
}

const few = fc.array(fc.constantFrom('a', 'b', '.', '-'), { maxLength: 24 }).map(characters => characters.join(''));
const filter = fc.oneof(
  fc.array(fc.constantFrom('a', 'b', '*', '*', '.', '-', '[', '\\'), { maxLength: 12 }).map(parts => parts.join('')),
  fc.constant(`${'*a'.repeat(30)}b`),
);

export function tagFilters(): FuzzTarget<Filtered> {
  return {
    name: 'tag filters',
    share: 60,
    input: fc.record({
      setting: fc.constantFrom('MUTABLE', 'IMMUTABLE', 'IMMUTABLE_WITH_EXCLUSION', 'MUTABLE_WITH_EXCLUSION'),
      exclusions: fc.array(filter, { maxLength: 5 }),
      tag: fc.oneof({ weight: 9, arbitrary: few }, { weight: 1, arbitrary: fc.constant('a'.repeat(128)) }),
    }),
    check({ setting, exclusions, tag }) {
      const excluded = exclusions.some(each => matches(each, tag));
      const expected = {
        MUTABLE: false,
        IMMUTABLE: !excluded,
        IMMUTABLE_WITH_EXCLUSION: !excluded,
        MUTABLE_WITH_EXCLUSION: excluded,
      }[setting];
      const found = isImmutable({ setting, exclusions }, tag);
      require(found === expected, () => `isImmutable gives ${found}, the reference ${expected}`);
      return excluded ? 'excluded' : 'not excluded';
    },
    mustSee: ['excluded', 'not excluded'],
    timed: true,
  };
}

/**
 * The definition of a wildcard filter, prefix by prefix: `reached[n]` tells whether the filter so far matches the
 * tag's first n characters.
 */
function matches(pattern: string, tag: string): boolean {
  let reached = [true, ...Array<boolean>(tag.length).fill(false)];
  for (const character of pattern) {
    reached =
      character === '*'
        ? reached.map((_, at) => reached.slice(0, at + 1).includes(true))
        : reached.map((_, at) => at > 0 && reached[at - 1] && tag[at - 1] === character);
  }
  return reached[tag.length];
}
