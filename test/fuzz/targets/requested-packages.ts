import fc from 'fast-check';
import { requestedPackages } from '../../../lambda/sync/requested-packages';
import { hostileJson, mutated } from '../inputs/json';
import { hostileText } from '../inputs/text';
import { FuzzTarget, require, requireOwnError } from '../target';

export function requested(): FuzzTarget<string> {
  return {
    name: 'requested packages',
    share: 40,
    input: fc.oneof(
      mutated([['app', 'team/tool'], []]).map(bytes => bytes.toString('utf8')),
      hostileJson,
      hostileText,
    ),
    check(text) {
      try {
        const names = requestedPackages({ PACKAGES: text });
        require(names === undefined ||
          (names.length > 0 && names.every(name => typeof name === 'string' && name !== '')), () =>
          `names ${JSON.stringify(names)}`);
        return names === undefined ? 'all' : 'some';
      } catch (error) {
        requireOwnError(error, Error);
        return 'refused';
      }
    },
    mustSee: ['all', 'some', 'refused'],
    timed: true,
  };
}
