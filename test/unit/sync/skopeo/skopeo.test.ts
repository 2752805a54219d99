import { spawnSync } from 'node:child_process';
import { access, chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSkopeoFiles, SkopeoFiles } from '../../../../lambda/sync/skopeo/auth-file';
import { INSTALL_SKOPEO } from '../../../../lambda/sync/skopeo/install';
import { skopeoCopier, SkopeoOnDemand } from '../../../../lambda/sync/skopeo/skopeo';

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

test('fails with its name when there is none', async () => {
  await expect(skopeoCopier(files, join(directory, 'missing')).copy(SOURCE, TARGET)).rejects.toThrow(/missing could not be started: .*ENOENT/);
});

describe('on demand', () => {
  const logins = [{ host: 'ghcr.io', user: 'token', password: 'ghp_abc' }];

  /** skopeo as a script that keeps its arguments and what it reads as credentials. */
  async function onDemand(install: string): Promise<SkopeoOnDemand> {
    const binary = join(directory, 'skopeo');
    await writeFile(binary, `#!/bin/sh\necho "$8" >>'${directory}/authfiles'; cat "$8" >>'${directory}/credentials'\n`);
    await chmod(binary, 0o700);
    return new SkopeoOnDemand({ logins: () => logins, install, binary });
  }

  test('installs once, and gives the logins of the moment', async () => {
    const skopeo = await onDemand(`echo installed >>'${directory}/log'`);
    await Promise.all([skopeo.copy(SOURCE, TARGET), skopeo.copy(SOURCE, TARGET)]);
    logins[0] = { ...logins[0], password: 'ghp_new' };
    await skopeo.copy(SOURCE, TARGET);
    expect(await readFile(join(directory, 'log'), 'utf8')).toBe('installed\n');
    expect(await readFile(join(directory, 'credentials'), 'utf8')).toMatch(new RegExp(`${Buffer.from('token:ghp_new').toString('base64')}"}}}$`));
    await skopeo.remove();
  });

  test('leaves no credentials behind', async () => {
    const skopeo = await onDemand(':');
    await skopeo.copy(SOURCE, TARGET);
    await skopeo.remove();
    const [authFile] = (await readFile(join(directory, 'authfiles'), 'utf8')).split('\n');
    await expect(access(authFile)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('removes nothing where nothing was copied', async () => {
    await expect((await onDemand('exit 1')).remove()).resolves.toBeUndefined();
  });

  test('fails with what the installation says', async () => {
    const skopeo = await onDemand('echo "skopeo could not be installed. Run: ..." >&2; exit 1');
    await expect(skopeo.copy(SOURCE, TARGET)).rejects.toThrow('skopeo could not be installed. Run: ...');
  });
});

describe('the installation', () => {
  /** Runs the script where these commands are all that there is; each of them prints its name and arguments. */
  async function install(commands: Readonly<Record<string, string>>): Promise<{ code: number | null; output: string }> {
    for (const [name, script] of Object.entries(commands)) {
      await writeFile(join(directory, name), `#!/bin/bash\necho "${name} $*"\n${script}\n`);
      await chmod(join(directory, name), 0o700);
    }
    const { status, stdout, stderr } = spawnSync('/bin/bash', ['-c', INSTALL_SKOPEO], { env: { PATH: directory }, encoding: 'utf8' });
    return { code: status, output: stdout + stderr };
  }
  /** What `id -u` prints. */
  const become = async (user: number): Promise<void> => {
    await writeFile(join(directory, 'id'), `#!/bin/bash\necho ${user}\n`);
    await chmod(join(directory, 'id'), 0o700);
  };
  beforeEach(() => become(1000));
  // Puts a skopeo where the script looks for it.
  const puts = 'if [ "$1" = install ]; then echo \'echo installed\' >"${0%/*}/skopeo"; /bin/chmod +x "${0%/*}/skopeo"; fi';

  test.each<[string, Record<string, string>, number, RegExp]>([
    ['does nothing where it is there', { skopeo: '' }, 0, /^skopeo --version$/m],
    ['fails where nobody may install', { 'apt-get': '' }, 1, /needs root and apt-get or dnf\. Use an image that has it/],
    ['fails where nothing installs', {}, 1, /needs root and apt-get or dnf\. Use an image that has it/],
  ])('%s', async (_, commands, code, output) => {
    expect(await install(commands)).toMatchObject({ code, output: expect.stringMatching(output) as string });
  });

  test.each([['apt-get', /could not be installed\. Run: apt-get update && apt-get install -y skopeo/], ['dnf', /could not be installed\. Run: dnf install -y spal-release skopeo/]])(
    'fails with the command when %s fails', async (manager, output) => {
      await become(0);
      expect(await install({ [manager]: 'exit 100' })).toMatchObject({ code: 1, output: expect.stringMatching(output) as string });
    });

  test.each([['apt-get'], ['dnf']])('installs with %s', async manager => {
    await become(0);
    expect(await install({ [manager]: puts })).toMatchObject({ code: 0 });
  });
});
