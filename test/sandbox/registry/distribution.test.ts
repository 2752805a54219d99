import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasDistribution, startDistribution } from '../../../sandbox/registry/distribution';

const path = process.env.PATH;
afterEach(() => { process.env.PATH = path; });

it('fails with the command that installs it when it is missing', async () => {
  process.env.PATH = '/nonexistent';

  await expect(startDistribution()).rejects.toThrow('apt-get install docker-registry');
});

it('fails with its log when it doesn\'t start', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'no-distribution-'));
  writeFileSync(join(directory, 'docker-registry'), '#!/bin/sh\necho "configuration error: no storage" >&2\nexit 3\n', {
    mode: 0o755,
  });
  process.env.PATH = `${directory}:${path ?? ''}`;

  await expect(startDistribution()).rejects.toThrow(/ended with 3 before it listened.*\n.*no storage/);
  rmSync(directory, { recursive: true });
});

// contract.test.ts says so when distribution isn't installed, and CI is where it has to be.
(hasDistribution() || process.env.CI !== undefined ? it : it.skip)('ends with close', async () => {
  const distribution = await startDistribution();
  expect((await fetch(`${distribution.url}/v2/`)).status).toBe(200);

  await distribution.close();

  await expect(fetch(`${distribution.url}/v2/`)).rejects.toThrow('fetch failed');
});
