import fc from 'fast-check';
import { parsePackageEvent } from '../../../lambda/shared/package-event';
import { DELIVERIES } from '../inputs/deliveries';
import { hostileJson, mutated } from '../inputs/json';
import { hostileText } from '../inputs/text';
import { FuzzTarget, isOneLine, require } from '../target';

interface Event {
  readonly name: string;
  readonly body: Uint8Array;
}

export function packageEvents(): FuzzTarget<Event> {
  return {
    name: 'package events',
    share: 60,
    input: fc.record({
      name: fc.oneof(
        { weight: 5, arbitrary: fc.constantFrom('package', 'registry_package', 'package_v2') },
        { weight: 1, arbitrary: hostileText },
      ),
      body: fc.oneof(
        { weight: 9, arbitrary: mutated(DELIVERIES) },
        { weight: 1, arbitrary: hostileJson.map(text => Buffer.from(text)) },
      ),
    }),
    check({ name, body }) {
      const payload = json(body);
      if (payload === undefined) {
        return 'no JSON';
      }
      const event = parsePackageEvent(name, payload, 'My-Org');
      if (event.kind !== 'changed') {
        require(isOneLine(event.reason) && event.reason.length < 1_000, () =>
          `the reason is no short line: ${JSON.stringify(event.reason).slice(0, 300)}`);
        return event.kind;
      }
      require(event.package !== '', () => 'a package without a name');
      require(event.digest === undefined || /^sha256:[0-9a-f]{64}$/.test(event.digest), () =>
        `digest ${JSON.stringify(event.digest)}`);
      return 'changed';
    },
    mustSee: ['no JSON', 'changed', 'ignored', 'malformed'],
    timed: true,
  };
}

function json(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}
