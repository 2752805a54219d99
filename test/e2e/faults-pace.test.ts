import { quietWorld, runSync } from './sync-run';
import { buildxIndex } from '../../sandbox/registry/artifacts';
import { image } from '../../sandbox/registry/images';
import type { World } from '../../sandbox/world/world';

jest.setTimeout(60_000);

let world: World;
let throttledCalls: string[];
afterEach(() => world?.close());

async function start(putImageRate: number, quota: number): Promise<void> {
  throttledCalls = [];
  world = await quietWorld({
    mirror: { putImageRate },
    cloud: { ecr: { putImagePerSecond: quota } },
    onEvent: ({ text }) => { if (text.startsWith('ThrottlingException')) { throttledCalls.push(text); } },
  });
}

test('a build that keeps to its rate is never throttled by ECR', async () => {
  await start(9.5, 10);
  // An index counts one for itself and one for each child: 30 in all. The second package is tags alone, by PutImage.
  for (let n = 0; n < 4; n++) { await world.push('indexes', buildxIndex({ seed: n }), `v${n}`); }
  await world.push('tags', image(), ...Array.from({ length: 10 }, (_, n) => `t${n}`));

  expect(await runSync(world)).toMatchObject({ status: 'SUCCEEDED', summary: { copied: 5, failed: 0 } });

  expect(throttledCalls).toEqual([]);
});

test('a build that may less than it was told slows down, and brings everything over all the same', async () => {
  await start(1000, 3);
  for (let n = 0; n < 5; n++) { await world.push(`app-${n}`, image({ seed: n }), 'latest'); }

  const result = await runSync(world);

  expect(throttledCalls.length).toBeGreaterThan(0);
  expect(result.lines.filter(line => line.startsWith('retry'))).toContainEqual(expect.stringContaining('(throttled)'));
  expect(result).toMatchObject({ status: 'SUCCEEDED', summary: { copied: 5, failed: 0 } });
});
