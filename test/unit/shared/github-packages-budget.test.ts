import { FakeTime } from './fake-time';
import { GitHubBudget } from '../../../lambda/shared/github-budget';

const HOUR_MS = 3_600_000;

let time: FakeTime;
let budget: GitHubBudget;
beforeEach(() => {
  time = new FakeTime();
  budget = new GitHubBudget(() => time.now());
});

/** Headers of an answer. @param resetMs from now on */
function answer(remaining: number, resetMs = HOUR_MS, more: Record<string, string> = {}): Headers {
  return new Headers({
    'x-ratelimit-limit': '5000',
    'x-ratelimit-remaining': String(remaining),
    'x-ratelimit-reset': String((time.now() + resetMs) / 1000),
    ...more,
  });
}

test('pushes may use all of it, reconciles leave a reserve', () => {
  budget.observe(answer(1000, 1));
  expect([budget.waitFor('push'), budget.waitFor('reconcile')]).toEqual([undefined, time.now() + 1]);
  budget.observe(answer(0));
  expect(budget.waitFor('push')).toBe(time.now() + HOUR_MS);
});

test.each([
  // Half of the limit is free at any time; what is between it and the reserve is spread over the hour.
  [2_600, HOUR_MS, true], [2_400, HOUR_MS, false], [
    2_400,
    HOUR_MS * 0.9,
    true,
  ], [1_800, HOUR_MS / 2, true], [1_700, HOUR_MS / 2, false], [1_001, 1_000, true], [1_000, 1_000, false],
])('with %i left, %i ms before the reset, a reconcile may go on: %s', (remaining, resetMs, allowed) => {
  budget.observe(answer(remaining, resetMs));
  expect(budget.waitFor('reconcile') === undefined).toBe(allowed);
});

test('a window that has passed limits nobody', () => {
  budget.observe(answer(0, 60_000));
  time.pass(60_001);
  expect([budget.waitFor('push'), budget.waitFor('reconcile')]).toEqual([undefined, undefined]);
});

test('a server without limits tells nothing, and limits nobody', () => {
  budget.observe(new Headers());
  expect([budget.waitFor('push'), budget.waitFor('reconcile')]).toEqual([undefined, undefined]);
});

test('a pause that GitHub asks for is everybody\'s', () => {
  budget.observe(answer(4_000, HOUR_MS, { 'retry-after': '60' }));
  expect([budget.waitFor('push'), budget.waitFor('reconcile')]).toEqual([time.now() + 60_000, time.now() + 60_000]);
  time.pass(60_000);
  expect(budget.waitFor('push')).toBeUndefined();
});

test('reconciles stay below the limit of a minute', () => {
  for (let n = 0; n < 400; n++) { budget.observe(answer(5_000 - n)); }
  expect([budget.waitFor('push'), budget.waitFor('reconcile')]).toEqual([undefined, time.now() + 60_000]);
  time.pass(60_000);
  expect(budget.waitFor('reconcile')).toBeUndefined();
});

test('what was told a while ago is not known any more', () => {
  expect(budget.isKnown).toBe(false);
  budget.observe(answer(4_000));
  expect(budget.isKnown).toBe(true);
  time.pass(30_000);
  expect(budget.isKnown).toBe(false);
  budget.unlimited();
  expect(budget.isKnown).toBe(true);
});
