import fc from 'fast-check';
import { parseMessage, SyncMessage } from '../../../src/contract/messages';
import { hostileJson, mutated } from '../inputs/json';
import { FuzzTarget, require, requireOwnError } from '../target';

const MESSAGES = [
  { kind: 'organization' },
  {
    kind: 'package',
    package: 'app',
    digest: `sha256:${'1'.repeat(64)}`,
    delivery: '72d3162e-cc78-11e3-81ab-4c9367dc0958',
  },
];

export function messages(): FuzzTarget<string> {
  return {
    name: 'queue messages',
    share: 70,
    input: fc.oneof(
      mutated(MESSAGES).map(bytes => bytes.toString('utf8')),
      hostileJson,
    ),
    check(body) {
      let message: SyncMessage;
      try {
        message = parseMessage(body);
      } catch (error) {
        requireOwnError(error, Error);
        return 'refused';
      }
      if (message.kind === 'organization') {
        return 'organization';
      }
      require(typeof message.package === 'string' && message.package !== '', () => 'a message without a package');
      require([message.digest, message.delivery].every(text => text === undefined || typeof text === 'string'), () =>
        'a field that is no text');
      return 'package';
    },
    mustSee: ['refused', 'organization', 'package'],
    timed: true,
  };
}
