import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defects, quietWorld, runSync } from './sync-run';
import { buildxIndex } from '../../sandbox/registry/artifacts';

/** Programs that a build image without skopeo, and without a way to install it, does not have. */
const MISSING = ['skopeo', 'apt-get', 'dnf'];

const binaries = mkdtempSync(join(tmpdir(), 'no-skopeo-'));
afterAll(() => { rmSync(binaries, { recursive: true }); });

/** A directory with the programs of this machine, but for the missing ones. */
function withoutSkopeo(): string {
  symlinkSync(process.execPath, join(binaries, 'node'));
  for (const directory of ['/usr/bin', '/bin']) {
    for (const name of readdirSync(directory).filter(program => program !== 'node' && !MISSING.includes(program))) {
      try {
        symlinkSync(join(directory, name), join(binaries, name));
      } catch (error) {
        // /bin is a link to /usr/bin on many machines.
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') { throw error; }
      }
    }
  }
  return binaries;
}

test('where skopeo can not be installed the direct engine copies, and the log says so', async () => {
  const world = await quietWorld({
    mirror: { putImageRate: 1000 },
    cloud: { codebuild: { extraEnvironment: { PATH: withoutSkopeo() } } },
  });
  try {
    const content = buildxIndex({ seed: 'no-skopeo' });
    await world.push('app', content, '1');

    const result = await runSync(world);

    expect(result).toMatchObject({ status: 'SUCCEEDED', summary: { copied: 1, failed: 0 } });
    expect(result.lines.filter(line => line.includes('direct engine'))).toEqual([
      'This build copies with the direct engine instead of skopeo.',
      'skopeo is not there and could not be installed: this build copies with the direct engine.',
    ]);
    expect(result.lines.filter(line => /^(fallback|skopeo copy)/.test(line))).toEqual([]);
    expect(await defects(world.puller(), `${world.namespace}/app`, '1', content)).toEqual([]);
  } finally {
    await world.close();
  }
}, 60_000);
