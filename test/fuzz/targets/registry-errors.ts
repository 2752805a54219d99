import fc from 'fast-check';
import { causeOfRefusal, errorCodes, retryAfterMs } from '../../../lambda/sync/registry/errors';
import { fixOf } from '../../../lambda/sync/resilience/failure-cause';
import { hostileJson, mutated } from '../inputs/json';
import { jumbledHeader } from '../inputs/text';
import { FuzzTarget, require } from '../target';

interface Refused {
  readonly body: Uint8Array;
  readonly retryAfter: string | undefined;
  readonly status: number;
  readonly basicLogin: boolean;
}

const NOW = Date.UTC(2026, 0, 1);

const BODIES = [
  { errors: [{ code: 'DENIED', message: 'denied', detail: {} }] },
  { errors: [{ code: 'TOOMANYREQUESTS' }, { code: 'UNKNOWN' }] },
  { errors: [] },
  { message: 'x' },
];

export function registryErrors(): FuzzTarget<Refused> {
  return {
    name: 'registry errors',
    share: 80,
    input: fc.record({
      body: fc.oneof(
        mutated(BODIES),
        hostileJson.map(text => Buffer.from(text)),
        fc.uint8Array({ maxLength: 60 }),
      ),
      retryAfter: fc.option(
        jumbledHeader('1', '0', '999', ' ', '-', 'Wed, 21 Oct 2026 07:28:00 GMT', 'Wed,', '2026-', '.', 'e9', '+'),
        { nil: undefined },
      ),
      status: fc.oneof(fc.constantFrom(0, 200, 301, 400, 401, 403, 404, 405, 429, 500, 501, 503), fc.integer()),
      basicLogin: fc.boolean(),
    }),
    check({ body, retryAfter, status, basicLogin }) {
      const codes = errorCodes(body);
      require(codes.every(code => typeof code === 'string'), () => `a code is no text: ${JSON.stringify(codes)}`);
      const cause = causeOfRefusal({ status, codes, hasBody: body.length > 0, basicLogin });
      require(typeof fixOf(cause) === 'string', () => `cause ${cause} has no fix`);
      const wait = retryAfterMs(retryAfter, NOW);
      require(wait === undefined || wait > 0, () => `waits ${wait} ms`);
      return codes.length > 0 ? 'with codes' : 'without codes';
    },
    mustSee: ['with codes', 'without codes'],
    timed: true,
  };
}
