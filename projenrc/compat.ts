import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Compares the public API with the latest published version; before the first one there is nothing to keep. */
const { name } = JSON.parse(readFileSync('package.json', 'utf8')) as { name: string };
const view = spawnSync('npm', ['view', name, 'version', '--json'], {
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'pipe'],
});

if (view.status === 0) {
  const diff = spawnSync('npx', ['jsii-diff', `npm:${name}`, '-k', '--ignore-file', '.compatignore'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  process.exitCode = diff.status ?? 1;
} else if (isUnpublished(view.stdout)) {
  process.stdout.write(`No version of ${name} is published yet: there is no public API to compare with.\n`);
} else {
  process.stderr.write(`The published versions of ${name} can't be listed: `
    + `${view.stderr.trim() || view.error?.message || `npm ended with ${view.status}`}\n`);
  process.exitCode = 1;
}

/** npm says why in JSON. Anything but "no such package" must not pass for "nothing published". */
function isUnpublished(json: string): boolean {
  try {
    return (JSON.parse(json) as { error?: { code?: string } }).error?.code === 'E404';
  } catch {
    return false;
  }
}
