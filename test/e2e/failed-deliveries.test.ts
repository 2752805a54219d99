import { DeliveryWorld } from './delivery-world';
import type { GitHubOptions } from '../../sandbox/github';

jest.setTimeout(120_000);

let world: DeliveryWorld;
afterEach(() => world.close());

const begin = async (options: Partial<GitHubOptions> = {}): Promise<void> => {
  world = await DeliveryWorld.start(options);
};
const packages = (): string[] => world.queued.map(message => message.package);
const attempts = (requests: readonly string[]): number =>
  requests.filter(request => request.endsWith('/attempts')).length;

test('a delivery that failed is delivered within ten minutes', async () => {
  await begin();
  world.up = false;
  expect(await world.push('app')).toBe(503);
  world.up = true;
  expect(attempts(await world.look())).toBe(1);
  expect(packages()).toEqual(['app']);
  // The next look sees that it got through.
  expect(attempts(await world.look())).toBe(0);
});

test('a quiet look is two requests', async () => {
  await begin();
  await world.push('app');
  expect(await world.look()).toEqual([expect.stringMatching(/^GET .*\/hooks\?/), expect.stringMatching(/^GET .*\/deliveries\?/)]);
});

test('a delivery is tried three more times, and then left to the schedule', async () => {
  await begin();
  world.up = false;
  await world.push('app');
  const tries = [];
  for (let look = 0; look < 8; look++) { tries.push(attempts(await world.look(7))); }
  expect(tries.reduce((sum, count) => sum + count, 0)).toBe(3);
  expect(world.reconciles).toEqual([]);
});

test('a rotation that a warm function has not seen yet costs no delivery', async () => {
  await begin();
  await world.push('before');
  world.pass(10_000);
  world.secret = 'rotated';
  await world.signWith('rotated');
  expect(await world.push('after')).toBe(401);
  await world.look();
  expect(packages()).toEqual(['before', 'after']);
});

test('a hook that signs with another secret gets the mirror\'s, and its deliveries arrive', async () => {
  await begin();
  await world.signWith('a typo');
  expect(await world.push('app')).toBe(401);
  await world.look();
  expect(packages()).toEqual(['app']);
});

test('a hook that is gone comes back within ten minutes', async () => {
  await begin();
  await fetch(
    `${world.github.url}/orgs/my-org/hooks/${world.hookId}`,
    { method: 'DELETE', headers: { authorization: 'Bearer ghp_hooks' } },
  );
  await world.look();
  expect(world.github.hooks.map(({ url, active }) => [url, active]))
    .toEqual([[`${world.endpoint.url}/packages`, true]]);
});

test.each([[true], [false]])('failures are found behind pages of successes '
  + '(GitHub knows the filter: %p)', async deliveryStatusFilter => {
  await begin({ pageSizeCap: 5, deliveryStatusFilter });
  world.up = false;
  await world.push('lost');
  world.up = true;
  for (let n = 0; n < 30; n++) { await world.push(`app-${n}`); }
  const requests = await world.look();
  expect(attempts(requests)).toBe(1);
  expect(packages()).toContain('lost');
  expect(requests.some(request => request.includes('status=failure'))).toBe(true);
});

test('above 50 failures one full reconcile is asked for, and none again for the same', async () => {
  await begin();
  world.up = false;
  for (let n = 0; n < 51; n++) { await world.push(`app-${n}`); }
  world.up = true;
  expect([attempts(await world.look()), world.reconciles.length]).toEqual([0, 1]);
  await world.look();
  await world.look();
  expect(world.reconciles).toHaveLength(1);
});
