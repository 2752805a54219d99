import { DeliveryWorld } from './delivery-world';

jest.setTimeout(600_000);

/**
 * The whole flood is 5,000 signed and 1,000 forged deliveries: `npm run flood`. CI sends a
 * tenth against the same throttle.
 */
const SCALE = process.env.FLOOD === 'full' ? 1 : 0.1;
const SIGNED = 5_000 * SCALE;
const FORGED = 1_000 * SCALE;
/** Requests under way from this machine; on the clock of the world, all come at once. */
const AT_ONCE = 50;
const WITHIN_MS = 20 * 60_000;

let world: DeliveryWorld;
beforeEach(async () => { world = await DeliveryWorld.start(); });
afterEach(() => world.close());

/** Signed and forged ones mixed evenly. @returns statuses of the signed by package, and of the forged */
async function flood(
  signed: number,
  forged: number,
): Promise<{ readonly signed: Map<string, number>; readonly forged: number[] }> {
  const statuses = { signed: new Map<string, number>(), forged: [] as number[] };
  const all = Array.from({ length: signed + forged }, (_, n) => async (): Promise<void> => {
    const isForged = Math.floor((n + 1) * forged / (signed + forged)) > Math.floor(n * forged / (signed + forged));
    if (isForged) {
      statuses.forged.push(await world.forge(n));
    } else { statuses.signed.set(`app-${n}`, await world.push(`app-${n}`)); }
  });
  for (let at = 0; at < all.length; at += AT_ONCE) {
    await Promise.all(all.slice(at, at + AT_ONCE).map(send => send()));
  }
  return statuses;
}

test(`of ${SIGNED} signed and ${FORGED} forged deliveries at once, every signed one is queued or `
  + 'reconciled within 20 minutes', async () => {
  const began = world.time;
  const statuses = await flood(SIGNED, FORGED);
  const queued = new Set(world.queued.map(message => message.package));
  await world.look();
  await world.look();
  const reconciled = world.reconciles.some(at => at > began && at <= began + WITHIN_MS);
  const left = [...statuses.signed.keys()].filter(name => !queued.has(name) && !reconciled);
  process.stdout.write(
    `${SIGNED} signed and ${FORGED} forged deliveries at once: ${queued.size} queued at once, `
      + `${SIGNED - queued.size} refused by the throttle, `
      + `healed by ${world.reconciles.length} reconcile after ${(world.reconciles[0] - began) / 60_000} `
      + `min, ${left.length} left\n`,
  );
  expect(statuses.signed.size).toBe(SIGNED);
  expect(new Set(statuses.forged)).toEqual(new Set([401, 429]));
  expect(left).toEqual([]);
  expect(world.reconciles).toHaveLength(1);
});

test('what a small flood made the throttle refuse is delivered again, one by one', async () => {
  const statuses = await flood(220, 20);
  const refused = [...statuses.signed].filter(([, status]) => status === 429).map(([name]) => name);
  expect(refused.length).toBeGreaterThan(20);
  expect(refused.length).toBeLessThanOrEqual(50);
  await world.look();
  const queued = new Set(world.queued.map(message => message.package));
  expect([...statuses.signed.keys()].filter(name => !queued.has(name))).toEqual([]);
  expect(world.reconciles).toEqual([]);
});
