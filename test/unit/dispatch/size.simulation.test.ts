import { Push, SizeWorld } from './size-world';
import { RECONCILE_BUILDS } from '../../../lambda/dispatch/verdict';
import { digest } from '../shared/samples';

/**
 * Runs the real dispatch and planner over organizations of some size, in virtual time. In CI both the organization
 * and GitHub's limit of an
 * hour are a tenth; `npm run size` runs them in full.
 */
const SCALE = process.env.SIZE === 'full' ? 1 : 10;
/** Two, and one more where both functions decide at the same moment. */
const MOST_RECONCILE_BUILDS = RECONCILE_BUILDS + 1;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** Time between two pushes. */
const PUSH_EVERY_MS = SCALE === 1 ? MINUTE_MS : 5 * MINUTE_MS;
/** What reconciles may use of GitHub's limit. */
const RECONCILE_SHARE = 0.8;

jest.setTimeout(1_800_000);

function percentile(values: readonly number[], part: number): number {
  return [...values].sort((a, b) => a - b)[Math.max(0, Math.ceil(values.length * part) - 1)] ?? 0;
}

function latencies(pushes: readonly Push[]): number[] {
  return pushes.map(({ at, arrivedAt = Infinity }) => arrivedAt - at);
}

const hours = (ms: number): string => `${(ms / HOUR_MS).toFixed(2)} h`;
const minutes = (ms: number): string => `${(ms / MINUTE_MS).toFixed(1)} min`;

/** Prints the figures of a run. */
function report(name: string, world: SizeWorld, more: Readonly<Record<string, string | number>> = {}): void {
  const arrived = latencies(world.pushes);
  const figures = {
    ...more,
    'requests': world.requests,
    'refused by GitHub': world.refusals,
    'builds': world.builds.length,
    'builds of reconciles at a time': world.mostReconcileBuilds,
    'invocations': world.invocations,
    'longest invocation': `${(world.longestInvocation / 1000).toFixed(0)} s`,
    'receives': world.queue.statistics.receives,
    'most in flight': world.queue.statistics.mostInFlight,
    'pushes': arrived.length,
    'median': minutes(percentile(arrived, 0.5)),
    'p95': minutes(percentile(arrived, 0.95)),
    'longest': minutes(percentile(arrived, 1)),
    'dead letters': world.queue.deadLetters.length,
  };
  process.stdout.write(`${name}: ${Object.entries(figures).map(([key, value]) => `${key} ${value}`).join(', ')}\n`);
}

/** Lets time pass with a push to some package every so often, and a full reconcile every six hours. */
async function live(
  world: SizeWorld,
  ms: number,
  packages: number,
  everyMs: number,
  until: () => boolean = () => false,
): Promise<void> {
  const end = world.time.now() + ms;
  while (world.time.now() < end && !until()) {
    world.push(`app-${Math.floor(world.random() * packages)}`);
    const next = Math.min(end, world.time.now() + everyMs);
    if (Math.floor(next / (6 * HOUR_MS)) > Math.floor(world.time.now() / (6 * HOUR_MS))) { world.schedule(); }
    await world.run(next - world.time.now());
  }
}

const arrivedAll = (world: SizeWorld) => (): boolean => world.pushes.every(({ arrivedAt }) => arrivedAt !== undefined);

describe.each([
  [1_000, 6, 0.02],
  [10_000, 2, 0.02],
])('%i packages of %i pages, of one token', (count, pages, missing) => {
  const packages = count / SCALE;
  const ideal = packages * pages / (5_000 / SCALE * RECONCILE_SHARE) * HOUR_MS;
  let world: SizeWorld;
  let plannedAfter: number;

  beforeAll(async () => {
    world = new SizeWorld({ packages, pages, missing, hourLimit: 5_000 / SCALE });
    world.schedule();
    await live(world, 2 * ideal + 2 * HOUR_MS, packages, PUSH_EVERY_MS, () => world.planned.size === packages);
    plannedAfter = Math.max(...world.planned.values());
    await world.run(2 * HOUR_MS, arrivedAll(world));
    report(
      `${packages} packages of ${pages} pages`,
      world,
      { 'planned after': hours(plannedAfter), 'ideal': hours(ideal), 'left': world.queue.size },
    );
  });

  test('every package is planned within what the limit allows, and an hour', () => {
    expect(world.planned.size).toBe(packages);
    expect(plannedAfter).toBeLessThanOrEqual(ideal + HOUR_MS);
  });

  test('pushes meanwhile arrive within five minutes (p95)', () => {
    expect(percentile(latencies(world.pushes), 0.95)).toBeLessThanOrEqual(5 * MINUTE_MS);
  });

  test('no message is given up', () => {
    expect([world.queue.deadLetters, world.queue.expired]).toEqual([[], []]);
  });

  test('reconciles have two or three builds at a time', () => {
    expect(world.mostReconcileBuilds).toBeLessThanOrEqual(MOST_RECONCILE_BUILDS);
  });

  test('no function comes near its timeout', () => {
    expect(world.longestInvocation).toBeLessThan(240_000);
  });
});

describe('an outage', () => {
  const packages = 300 / SCALE;
  const settings = { packages, pages: 2, missing: 0.1, hourLimit: 5_000 / SCALE };

  test('of GitHub for three hours loses no push', async () => {
    const world = new SizeWorld(settings);
    world.gitHubDownUntil = 3 * HOUR_MS;
    world.schedule();
    await live(world, 3 * HOUR_MS, packages, 90_000 * 3);
    const begin = world.time.now();
    await world.run(12 * HOUR_MS, () => world.queue.size === 0);
    report('three hours without GitHub', world, { 'converged after': minutes(world.time.now() - begin) });
    expect(world.pushes.filter(({ arrivedAt }) => arrivedAt === undefined)).toEqual([]);
    expect([world.queue.deadLetters, world.different(), world.queue.size]).toEqual([[], [], 0]);
  });

  test('of a day without any build loses no push', async () => {
    const world = new SizeWorld({ ...settings, missing: 1 });
    world.quota = 0;
    world.schedule();
    await live(world, 24 * HOUR_MS, packages, 30 * MINUTE_MS);
    const begin = world.time.now();
    world.quota = 1;
    await world.run(24 * HOUR_MS, () => world.queue.size === 0);
    report('a day with a quota of 0', world, { 'converged after': hours(world.time.now() - begin) });
    expect(world.pushes.filter(({ arrivedAt }) => arrivedAt === undefined)).toEqual([]);
    expect([world.queue.deadLetters, world.different(), world.queue.size]).toEqual([[], [], 0]);
  });
});

test('what can not be found is given up without a dead letter: a package that was deleted, '
  + 'a version that was deleted', async () => {
  const world = new SizeWorld({ packages: 20, pages: 1, missing: 0, hourLimit: 5_000 });
  world.push('app-1');
  world.gone.add('app-1');
  world.announce('app-2', digest(424_242));
  const push = world.push('app-2');
  await world.run(2 * HOUR_MS, () => world.queue.size === 0);
  report('deleted package and version', world, { 'done after': minutes(world.time.now()) });
  expect([world.queue.deadLetters, world.queue.size]).toEqual([[], 0]);
  expect((push.arrivedAt ?? Infinity) - push.at).toBeLessThan(2 * MINUTE_MS);
});

test('a first fill starts full builds, two or three at a time', async () => {
  const packages = 1_000;
  const world = new SizeWorld({ packages, pages: 1, missing: 1, hourLimit: 5_000 });
  world.schedule();
  await live(world, 5 * HOUR_MS, packages, 5 * MINUTE_MS, () => world.different().length === 0);
  report(`first fill of ${packages} packages`, world, { 'filled after': hours(world.time.now()) });
  expect(world.different()).toEqual([]);
  expect(arrivedAll(world)()).toBe(true);
  expect(world.mostReconcileBuilds).toBeLessThanOrEqual(MOST_RECONCILE_BUILDS);
  // A build for each few packages would be hundreds.
  expect(world.builds.filter(({ purpose }) => purpose === 'reconcile').length).toBeLessThan(packages / 20);
});
