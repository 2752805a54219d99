import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSkopeoFiles, SkopeoFiles } from '../../../lambda/sync/auth-file';
import { skopeoCopier } from '../../../lambda/sync/skopeo';

const SOURCE = `ghcr.io/my-org/app@sha256:${'1'.repeat(64)}`;
const TARGET = '111122223333.dkr.ecr.eu-central-1.amazonaws.com/my-org/app:1';

let directory: string;
let files: SkopeoFiles;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'skopeo-test-'));
  files = await createSkopeoFiles();
  await files.login([{ host: 'ghcr.io', user: 'token', password: 'ghp_abc' }]);
});
afterEach(async () => {
  await files.remove();
  await rm(directory, { recursive: true });
});

/** Copies with a program that does what the script says. */
async function copy(script: string): Promise<void> {
  const binary = join(directory, 'skopeo');
  await writeFile(binary, `#!/bin/sh\n${script}\n`);
  await chmod(binary, 0o700);
  await skopeoCopier(files, binary).copy(SOURCE, TARGET);
}

/** A program that prints to its standard error and fails. */
function failing(...lines: string[]): string {
  return `cat >&2 <<'END'\n${lines.join('\n')}\nEND\nexit 1`;
}

test('copies an index whole, with its digests, by the auth file', async () => {
  const log = join(directory, 'arguments');
  await copy(`printf '%s\\n' "$@" > '${log}'`);
  expect((await readFile(log, 'utf8')).trim().split('\n')).toEqual([
    '--policy', files.policyFile, 'copy', '--quiet', '--all', '--preserve-digests', '--authfile', files.authFile, `docker://${SOURCE}`, `docker://${TARGET}`,
  ]);
});

test('no secret is among the arguments, where every process could read it', async () => {
  const log = join(directory, 'arguments');
  await copy(`printf '%s\\n' "$@" > '${log}'`);
  const text = await readFile(log, 'utf8');
  for (const secret of ['ghp_abc', Buffer.from('token:ghp_abc').toString('base64'), '--creds', '--src-creds', '--dest-creds']) { expect(text).not.toContain(secret); }
});

test('a program that prints much does not block', async () => {
  await copy('i=0; while [ $i -lt 3000 ]; do echo "Copying blob sha256:0123456789abcdef0123456789abcdef"; echo "level=debug and so on and so forth" >&2; i=$((i+1)); done');
});

describe('fails with the message of skopeo', () => {
  test.each<[string, string[], string]>([
    ['a fatal line', ['time="2026-01-01T00:00:00Z" level=fatal msg="reading manifest: manifest unknown"'], 'reading manifest: manifest unknown'],
    ['a fatal line after others', [
      'time="2026-01-01T00:00:00Z" level=warning msg="Failed, retrying in 1s"', 'time="2026-01-01T00:00:01Z" level=fatal msg="denied: denied"',
    ], 'denied: denied'],
    ['a fatal line before others', ['time="x" level=fatal msg="denied"', 'exit status 1'], 'denied'],
    ['quotes in the message', ['time="x" level=fatal msg="Get \\"https://ghcr.io/v2/\\": EOF"'], 'Get "https://ghcr.io/v2/": EOF'],
    ['a line break in the message', ['time="x" level=fatal msg="StatusCode: 502, <html>\\n<body>Bad Gateway"'], 'StatusCode: 502, <html> <body>Bad Gateway'],
    ['a message without quotes', ['time="x" level=fatal msg=denied'], 'time="x" level=fatal msg=denied'],
    ['the colours of a terminal', ['FATA[0000] denied'], 'FATA[0000] denied'],
    ['something else', ['skopeo: error while loading shared libraries', 'libgpgme.so.11: cannot open shared object file'], 'libgpgme.so.11: cannot open shared object file'],
  ])('%s', async (_, lines, message) => {
    await expect(copy(failing(...lines))).rejects.toMatchObject({ name: 'SkopeoError', message });
  });

  test('that is the last of very much output', async () => {
    const lines = Array.from({ length: 200 }, (_, n) => `level=debug msg="line ${n} ${'x'.repeat(100)}"`);
    await expect(copy(failing(...lines, 'level=fatal msg="the end"'))).rejects.toMatchObject({ message: 'the end' });
  });
});

test('fails with the exit code when nothing was printed', async () => {
  await expect(copy('exit 3')).rejects.toThrow('skopeo ended with 3 and no message');
});

test('fails with the signal that ended it', async () => {
  await expect(copy('kill -9 $$')).rejects.toThrow('skopeo ended with SIGKILL and no message');
});

test('fails with what installs skopeo when there is none', async () => {
  await expect(skopeoCopier(files, join(directory, 'missing')).copy(SOURCE, TARGET)).rejects.toThrow(/could not be started: .*ENOENT.* The buildspec's install phase installs it/);
});
