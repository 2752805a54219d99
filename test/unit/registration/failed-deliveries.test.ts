import { failuresByCause, HEALING, planHealing } from '../../../lambda/registration/failed-deliveries';
import type { HookDelivery } from '../../../lambda/registration/hooks';

const NOW = Date.parse('2026-03-01T12:00:00Z');

let lastId = 0;
/** @param minutes before now */
function delivery(guid: string, statusCode: number, minutes = 5, more: Partial<HookDelivery> = {}): HookDelivery {
  return {
    id: ++lastId,
    guid,
    statusCode,
    status: 'x',
    event: 'package',
    deliveredAt: new Date(NOW - minutes * 60_000).toISOString(),
    redelivery: false,
    ...more,
  };
}

function again(guid: string, statusCode: number, minutes: number): HookDelivery {
  return delivery(guid, statusCode, minutes, { redelivery: true });
}

describe('failures by cause', () => {
  test.each<[string, HookDelivery[], [string, number, string][]]>([
    ['none', [delivery('a', 200), delivery('b', 202)], []],
    ['the newest first', [delivery('b', 503), delivery('a', 503), delivery('c', 401)],
      [['503 x', 2, 'b'], ['401 x', 1, 'c']]],
    ['nothing answered, and a redirection', [delivery('a', 0), delivery('b', 302)],
      [['0 x', 1, 'a'], ['302 x', 1, 'b']]],
    ['sent again with success', [delivery('a', 202), delivery('a', 503)], []],
  ])('%s', (_, deliveries, expected) => {
    expect(failuresByCause(deliveries).map(({ cause, count, newest }) => [cause, count, newest.guid]))
      .toEqual(expected);
  });
});

describe('healing', () => {
  const redelivered = (deliveries: readonly HookDelivery[]): string[] | string => {
    const plan = planHealing({ deliveries, complete: true }, NOW);
    return plan.kind === 'redeliver' ? plan.deliveries.map(({ guid }) => guid) : plan.kind;
  };
  test.each<[string, HookDelivery[], string[] | string]>([
    ['nothing failed', [delivery('a', 202), delivery('b', 200)], 'nothing'],
    ['some failed', [delivery('a', 429), delivery('b', 202), delivery('c', 0)], ['a', 'c']],
    ['a redirection, which is no arrival', [delivery('a', 302)], ['a']],
    ['one has got through later', [again('a', 202, 1), delivery('a', 503, 9)], 'nothing'],
    ['one failed again', [again('a', 503, 1), delivery('a', 503, 9)], ['a']],
    ['the third attempt beside the first is the last',
      [again('a', 503, 1), again('a', 503, 10), again('a', 503, 20), delivery('a', 503, 29)], 'nothing'],
    ['two attempts beside the first leave one', [again('a', 503, 10), again('a', 503, 20), delivery('a', 503, 29)],
      ['a']],
    ['the first attempt is older than the window, where more attempts may be',
      [again('a', 503, 1), again('a', 503, 10), delivery('a', 503, 31)], 'nothing'],
    ['another event of a hook that somebody has given more',
      [delivery('a', 503, 5, { event: 'push' }), delivery('b', 503, 5, { event: 'ping' })], 'nothing'],
  ])('%s', (_, deliveries, expected) => {
    expect(redelivered(deliveries)).toEqual(expected);
  });
  test('sends the newest attempt of an event again, once', () => {
    const newest = again('a', 503, 1);
    expect(planHealing({ deliveries: [newest, delivery('a', 503, 9)], complete: true }, NOW))
      .toEqual({ kind: 'redeliver', deliveries: [newest] });
  });
  const many = (count: number, minutes: number): HookDelivery[] =>
    Array.from({ length: count }, (_, n) => delivery(`many-${n}`, 429, minutes));
  test(`asks for a reconcile above ${HEALING.maxRedeliveries} events`, () => {
    expect(redelivered(many(50, 1))).toHaveLength(50);
    expect(planHealing({ deliveries: many(51, 1), complete: true }, NOW)).toEqual({ kind: 'reconcile', failed: 51 });
  });
  test('does not ask again for failures that the look before has seen', () => {
    expect(redelivered(many(51, 16))).toBe('nothing');
    expect(redelivered([delivery('fresh', 429, 1), ...many(51, 16)])).toBe('reconcile');
  });
  test('asks for a reconcile when the log was too long to read, and something failed', () => {
    expect(planHealing({ deliveries: [delivery('a', 503)], complete: false }, NOW))
      .toEqual({ kind: 'reconcile', failed: 1 });
    expect(planHealing({ deliveries: [delivery('a', 202)], complete: false }, NOW)).toEqual({ kind: 'nothing' });
  });
});
