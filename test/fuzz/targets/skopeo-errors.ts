import { causeOf } from '../../../lambda/sync/resilience/causes';
import { fixOf } from '../../../lambda/sync/resilience/failure-cause';
import { lastMessage, SkopeoError } from '../../../lambda/sync/skopeo/errors';
import { digest } from '../../unit/shared/samples';
import { jumbled } from '../inputs/text';
import { FuzzTarget, require } from '../target';

const NAMES = [
  `ghcr.io/my-org/denied-403@${digest(1)}`,
  '111122223333.dkr.ecr.eu-central-1.amazonaws.com/my-org/denied-403:unsupported',
  '/tmp/auth.json',
];

export function skopeoErrors(): FuzzTarget<string> {
  return {
    name: 'skopeo errors',
    share: 50,
    input: jumbled(
      'time="2026-01-01T00:00:00Z" level=fatal msg="',
      'level=error',
      'msg="',
      '"',
      '\\"',
      '\\n',
      '\n',
      ' ',
      ': ',
      'denied',
      'unauthorized',
      '403',
      '429',
      '502',
      'EOF',
      'token ',
      'expired',
      'already exists ',
      'immutable',
      'failed to read from destination repository ',
      'checking whether a blob ',
      'reading manifest ',
      ' in ',
      'repository ',
      ...NAMES,
    ),
    check(stderr) {
      const error = new SkopeoError(lastMessage(stderr), NAMES);
      const cause = causeOf(error);
      require(typeof fixOf(cause) === 'string', () => `cause ${cause} has no fix`);
      return cause === 'unknown' ? 'unknown cause' : 'known cause';
    },
    mustSee: ['unknown cause', 'known cause'],
    timed: true,
  };
}
