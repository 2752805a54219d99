import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';

/** Fails when a file that a tool writes is not what the tool writes today. It is up to date afterwards: commit it. */
const { files } = JSON.parse(readFileSync('.projen/files.json', 'utf8')) as { files: string[] };
const generated = [...files, 'API.md', 'package.json'];

const fingerprint = (file: string): string => existsSync(file)
  ? createHash('sha256').update(readFileSync(file)).digest('hex')
  : 'missing';
const before = new Map(generated.map(file => [file, fingerprint(file)]));

for (const task of ['default', 'docgen']) {
  execFileSync('npx', ['projen', task], { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, CI: '' } });
}

const stale = generated.filter(file => fingerprint(file) !== before.get(file));
if (stale.length > 0) {
  process.stderr.write('Generated files were out of date and have been written anew, '
    + `commit them: ${stale.join(', ')}\n`);
  process.exitCode = 1;
} else {
  process.stdout.write(`${generated.length} generated files are up to date.\n`);
}
