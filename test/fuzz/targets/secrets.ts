import fc from 'fast-check';
import { tokenIn } from '../../../lambda/shared/secrets';
import { mutated } from '../inputs/json';
import { jumbled } from '../inputs/text';
import { FuzzTarget, require, requireOwnError } from '../target';

/** Occurs in nothing else than the secrets. */
const SECRET = 'ghp_5Ecr3tV4lue';
const ARN = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:github/packages-AbCdEf';

export function secrets(): FuzzTarget<string> {
  return {
    name: 'secrets',
    share: 60,
    input: fc.oneof(
      mutated([{ token: SECRET }, { key: SECRET }, { user: 'x', password: SECRET }]).map(bytes =>
        bytes.toString('utf8'),
      ),
      jumbled(SECRET, '{', '}', '"token"', ':', '"', ' ', '\n', ',', '[', '\\u0000'),
    ),
    check(text) {
      try {
        const token = tokenIn(text, ARN);
        require(token !== '' && token === token.trim(), () => 'the token is empty, or has white space around it');
        return 'token';
      } catch (error) {
        requireOwnError(error, Error);
        require(!String(error).includes(SECRET), () => 'the error quotes the secret');
        return 'refused';
      }
    },
    mustSee: ['token', 'refused'],
    timed: true,
  };
}
