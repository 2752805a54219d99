import { pauseSeconds, Reason } from '../../../lambda/dispatch/pause';
import { LONGEST_OUTAGE, MAX_RECEIVES, PAUSES } from '../../../src/contract/patience';

const NOW = 1_800_000_000_000;
const WEEKS_2 = 14 * 24 * 3600;

function pauses(reason: Reason, counts: readonly number[], random = 0): number[] {
  return counts.map(count => pauseSeconds(reason, count, NOW, random));
}

test.each<[Reason['kind'] & ('build' | 'retry' | 'unlisted'), number[]]>([
  ['build', [120, 240, 480, 900, 900]],
  ['retry', [10, 20, 40, 80, 160]],
  ['unlisted', [5, 10, 20, 40, 80]],
])('%s: the pause doubles', (kind, expected) => {
  expect(pauses({ kind }, [1, 2, 3, 4, 5])).toEqual(expected);
  expect(pauses({ kind }, [0, 300, 5_000])).toEqual([expected[0], 900, 900]);
});

test('a version that is listed 90 s late is looked at within seconds of that', () => {
  const looks = [1, 2, 3, 4, 5, 6]
    .map(count => pauseSeconds({ kind: 'unlisted' }, count, NOW, 0))
    .map((_, at, all) => all.slice(0, at + 1).reduce((a, b) => a + b));
  expect(looks.filter(at => at >= 90)[0]).toBeLessThan(160);
});

test('what waits for its turn comes back together, whenever it was looked at', () => {
  for (const count of [1, 11, 12, 300]) {
    const ends = Array.from({ length: 600 }, (_, second) => NOW / 1000
      + second + pauseSeconds({ kind: 'turn' }, count, NOW + second * 1000, 0.5));
    expect(ends.filter(end => end % 300 > 1)).toEqual([]);
  }
});

test('a push waits for the reset and a moment, a reconcile for longer', () => {
  const until = NOW + 120_000;
  expect(pauses({ kind: 'budget', purpose: 'push', until }, [1, 100], 1)).toEqual([131, 131]);
  expect(pauses({ kind: 'budget', purpose: 'push', until: NOW + 3_600_000 }, [1])).toEqual([900]);
  expect([0, 0.5, 1].map(random => pauseSeconds({ kind: 'budget', purpose: 'reconcile', until }, 1, NOW, random)))
    .toEqual([450, 675, 900]);
});

describe('the number of looks', () => {
  const until = NOW + 3_600_000;
  const REASONS: readonly Reason[] = [
    { kind: 'build' },
    { kind: 'retry' },
    { kind: 'unlisted' },
    { kind: 'turn' },
    { kind: 'budget', purpose: 'reconcile', until },
    { kind: 'budget', purpose: 'push', until },
  ];

  /** Seconds until the message is given up, when it waits for one reason all the time. */
  function patience(reason: Reason, random: number): number {
    let seconds = 0;
    for (let count = 1; count <= MAX_RECEIVES; count++) {
      const now = NOW + seconds * 1000;
      const moved = 'until' in reason ? { ...reason, until: now + 3_600_000 } : reason;
      seconds += pauseSeconds(moved, count, now, random);
    }
    return seconds;
  }

  test.each(REASONS)('outlasts a day without builds and half a day without GitHub (%j)', reason => {
    for (const random of [0, 0.5, 1]) {
      expect(patience(reason, random)).toBeGreaterThanOrEqual(LONGEST_OUTAGE * 3600);
    }
  });

  test.each(REASONS)('ends before the queue forgets the message (%j)', reason => {
    expect(patience(reason, 0)).toBeLessThan(WEEKS_2 / 2);
    expect(pauseSeconds(reason, 300, NOW, 0)).toBeLessThanOrEqual(PAUSES.longest);
  });

  test('is one that SQS accepts', () => {
    expect(Number.isInteger(MAX_RECEIVES)).toBe(true);
    expect(MAX_RECEIVES).toBeLessThanOrEqual(1_000);
  });

  test('is over within minutes for a message that is not ours', () => {
    expect(patience({ kind: 'foreign' }, 0)).toBeLessThanOrEqual(900);
  });
});
