import { quietWorld, runSync } from './sync-run';
import { buildxIndex } from '../../sandbox/registry/artifacts';
import { image } from '../../sandbox/registry/images';
import type { World } from '../../sandbox/world/world';
import { CopyEngine } from '../../src';

jest.setTimeout(60_000);

let world: World;
let throttledCalls: string[];
afterEach(() => world?.close());

async function start(engine: CopyEngine, putImageRate: number, quota: number): Promise<void> {
  throttledCalls = [];
  world = await quietWorld({
    mirror: { putImageRate, engine },
    cloud: { ecr: { putImagePerSecond: quota } },
    onEvent: ({ text }) => { if (text.startsWith('ThrottlingException')) { throttledCalls.push(text); } },
  });
}

test.each([CopyEngine.SKOPEO, CopyEngine.DIRECT])(
  'with %s, a build that keeps to its rate is never throttled by ECR',
  async engine => {
    await start(engine, 9.5, 10);
    // An index counts one for itself and one for each child: 30 in all. The second package is tags alone, by PutImage.
    for (let n = 0; n < 4; n++) { await world.push('indexes', buildxIndex({ seed: n }), `v${n}`); }
    await world.push('tags', image(), ...Array.from({ length: 10 }, (_, n) => `t${n}`));

    expect(await runSync(world)).toMatchObject({ status: 'SUCCEEDED', summary: { copied: 5, failed: 0 } });

    expect(throttledCalls).toEqual([]);
  },
);

test.each([CopyEngine.SKOPEO, CopyEngine.DIRECT])(
  'with %s, a build that may less than it was told slows down, and brings everything over all the same',
  async engine => {
    await start(engine, 1000, 3);
    for (let n = 0; n < 5; n++) { await world.push(`app-${n}`, image({ seed: n }), 'latest'); }

    const result = await runSync(world);

    expect(throttledCalls.length).toBeGreaterThan(0);
    expect(result.lines.filter(line => line.startsWith('retry')))
      .toContainEqual(expect.stringContaining('(throttled)'));
    expect(result).toMatchObject({ status: 'SUCCEEDED', summary: { copied: 5, failed: 0 } });
  },
);
