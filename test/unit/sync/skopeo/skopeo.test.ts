import { spawnSync } from 'node:child_process';
import { access, chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Skopeo, SkopeoOptions } from '../../../../lambda/sync/skopeo/skopeo';
import { INSTALL_SKOPEO } from '../../../../src/contract/install-skopeo';

const SOURCE = `ghcr.io/my-org/app@sha256:${'1'.repeat(64)}`;
const TARGET = '111122223333.dkr.ecr.eu-central-1.amazonaws.com/my-org/app:1';

const LOGINS = [{ host: 'ghcr.io', user: 'token', password: 'ghp_abc' }];

let directory: string;
let skopeo: Skopeo;
let printed: string[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'skopeo-test-'));
  printed = [];
  use({});
});
afterEach(async () => {
  await skopeo.remove();
  await rm(directory, { recursive: true });
});

function use(options: Partial<SkopeoOptions>): void {
  skopeo = new Skopeo({
    logins: () => LOGINS,
    print: line => { printed.push(line); },
    binary: join(directory, 'skopeo'),
    ...options,
  });
}

/** A skopeo that tells its version, and for the rest does what the script says. */
async function program(script: string): Promise<void> {
  await writeFile(join(directory, 'skopeo'), `#!/bin/sh\n[ "$1" = --version ] && exit 0\n${script}\n`);
  await chmod(join(directory, 'skopeo'), 0o700);
}

async function copy(script: string): Promise<void> {
  await program(script);
  await skopeo.copy(SOURCE, TARGET);
}

/** Keeps the arguments, one a line. */
const keepArguments = (): string => `printf '%s\\n' "$@" > '${join(directory, 'arguments')}'`;

async function keptArguments(): Promise<string[]> {
  return (await readFile(join(directory, 'arguments'), 'utf8')).trim().split('\n');
}

/** A program that prints to its standard error and fails. */
function failing(...lines: string[]): string {
  return `cat >&2 <<'END'\n${lines.join('\n')}\nEND\nexit 1`;
}

test('copies a manifest with its digest, by the auth file and the policy of our own', async () => {
  await copy(keepArguments());
  const [policy, policyFile, ...others] = await keptArguments();
  expect([policy, policyFile]).toEqual(['--policy', expect.stringMatching(/^\/.*policy\.json$/)]);
  expect(others).toEqual([
    'copy', '--quiet', '--preserve-digests', '--authfile', expect.stringMatching(/^\/.*auth\.json$/), `docker://${SOURCE}`, `docker://${TARGET}`,
  ]);
});

test('copies an index with its children where it is told to', async () => {
  await program(keepArguments());
  await skopeo.copy(SOURCE, TARGET, { all: true });
  expect(await keptArguments()).toContain('--all');
});

test('prints the command, without the files of the credentials', async () => {
  await copy(':');
  expect(printed).toEqual([`skopeo copy docker://${SOURCE} docker://${TARGET}`]);
});

test('reads the bytes of a manifest', async () => {
  await program(`${keepArguments()}; printf '{"schemaVersion":2}'`);
  expect(String(await skopeo.inspect(SOURCE))).toBe('{"schemaVersion":2}');
  expect((await keptArguments()).filter(argument => !argument.includes('.json'))).toEqual([
    '--policy', 'inspect', '--raw', '--authfile', `docker://${SOURCE}`,
  ]);
});

test('no secret is among the arguments, where every process could read it', async () => {
  await copy(keepArguments());
  const text = (await keptArguments()).join('\n');
  const secrets = [
    'ghp_abc',
    Buffer.from('token:ghp_abc').toString('base64'),
    '--creds',
    '--src-creds',
    '--dest-creds',
  ];
  expect(secrets.filter(secret => text.includes(secret))).toEqual([]);
});

test('a program that prints much does not block', async () => {
  await copy('i=0; while [ $i -lt 3000 ]; do echo "Copying blob sha256:0123456789abcdef0123456789abcdef"; '
    + 'echo "level=debug and so on and so forth" >&2; i=$((i+1)); done');
});

describe('fails with the message of skopeo', () => {
  test.each<[string, string[], string]>([
    ['a fatal line', ['time="2026-01-01T00:00:00Z" level=fatal msg="reading manifest: manifest unknown"'],
      'reading manifest: manifest unknown'],
    ['a fatal line after others', [
      'time="2026-01-01T00:00:00Z" level=warning msg="Failed, retrying in 1s"',
      'time="2026-01-01T00:00:01Z" level=fatal msg="denied: denied"',
    ], 'denied: denied'],
    ['a fatal line before others', ['time="x" level=fatal msg="denied"', 'exit status 1'], 'denied'],
    ['quotes in the message', ['time="x" level=fatal msg="Get \\"https://ghcr.io/v2/\\": EOF"'], 'Get "https://ghcr.io/v2/": EOF'],
    ['a line break in the message', ['time="x" level=fatal msg="StatusCode: 502, <html>\\n<body>Bad Gateway"'],
      'StatusCode: 502, <html> <body>Bad Gateway'],
    ['a message without quotes', ['time="x" level=fatal msg=denied'], 'time="x" level=fatal msg=denied'],
    ['the colours of a terminal', ['FATA[0000] denied'], 'FATA[0000] denied'],
    ['something else',
      ['skopeo: error while loading shared libraries', 'libgpgme.so.11: cannot open shared object file'],
      'libgpgme.so.11: cannot open shared object file'],
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

describe('the credentials', () => {
  const keep = (): string =>
    `while [ "$1" != --authfile ]; do shift; done; echo "$2" >>'${directory}/files'; `
      + `cat "$2" >>'${directory}/credentials'`;

  test('are there before the first process starts, and are those of the moment', async () => {
    let password = 'ghp_abc';
    use({ logins: () => [{ host: 'ghcr.io', user: 'token', password }] });
    await program(keep());
    await Promise.all([1, 2, 3].map(() => skopeo.copy(SOURCE, TARGET)));
    password = 'ghp_new';
    await skopeo.copy(SOURCE, TARGET);
    const written = (await readFile(join(directory, 'credentials'), 'utf8')).split('}}}').slice(0, -1);
    const auth = (secret: string): string =>
      `{"auths":{"ghcr.io":{"auth":"${Buffer.from(`token:${secret}`).toString('base64')}"`;
    expect(written).toEqual([auth('ghp_abc'), auth('ghp_abc'), auth('ghp_abc'), auth('ghp_new')]);
  });

  test('are removed', async () => {
    await copy(keep());
    await skopeo.remove();
    const [authFile] = (await readFile(join(directory, 'files'), 'utf8')).split('\n');
    await expect(access(authFile)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('need no removal where nothing was copied', async () => {
    await expect(skopeo.remove()).resolves.toBeUndefined();
  });
});

describe('where the image has no skopeo', () => {
  test('tells', async () => {
    expect(await skopeo.available()).toBe(false);
    await program('exit 1');
    use({});
    expect(await skopeo.available()).toBe(true);
  });

  test('installs it once, for the first copy', async () => {
    await writeFile(join(directory, 'new'), '#!/bin/sh\n');
    await chmod(join(directory, 'new'), 0o700);
    use({ install: `echo installed >>'${directory}/log'; mv '${directory}/new' '${directory}/skopeo'` });
    await Promise.all([skopeo.copy(SOURCE, TARGET), skopeo.copy(SOURCE, TARGET)]);
    expect(await readFile(join(directory, 'log'), 'utf8')).toBe('installed\n');
  });

  test('fails with what the installation says', async () => {
    use({ install: 'echo "skopeo could not be installed. Run: ..." >&2; exit 1' });
    await expect(skopeo.copy(SOURCE, TARGET)).rejects.toThrow('skopeo could not be installed. Run: ...');
  });

  test('fails with its name when the installation brought none', async () => {
    use({ install: ':' });
    await expect(skopeo.copy(SOURCE, TARGET)).rejects.toThrow(/skopeo could not be started: .*ENOENT/);
  });
});

describe('the installation', () => {
  /** Runs the script where these commands are all that there is; each of them prints its name and arguments. */
  async function install(commands: Readonly<Record<string, string>>): Promise<{ code: number | null; output: string }> {
    for (const [name, script] of Object.entries(commands)) {
      await writeFile(join(directory, name), `#!/bin/bash\necho "${name} $*"\n${script}\n`);
      await chmod(join(directory, name), 0o700);
    }
    const { status, stdout, stderr } = spawnSync('/bin/bash', ['-c', INSTALL_SKOPEO], {
      env: { PATH: directory },
      encoding: 'utf8',
    });
    return { code: status, output: stdout + stderr };
  }
  /** What `id -u` prints. */
  const become = async (user: number): Promise<void> => {
    await writeFile(join(directory, 'id'), `#!/bin/bash\necho ${user}\n`);
    await chmod(join(directory, 'id'), 0o700);
  };
  beforeEach(() => become(1000));
  // Puts a skopeo where the script looks for it.
  const puts = 'if [ "$1" = install ]; then echo \'echo installed\' >"${0%/*}/skopeo"; '
    + '/bin/chmod +x "${0%/*}/skopeo"; fi';

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
      expect(await install({ [manager]: 'exit 100' }))
        .toMatchObject({ code: 1, output: expect.stringMatching(output) as string });
    });

  test.each([['apt-get'], ['dnf']])('installs with %s', async manager => {
    await become(0);
    expect(await install({ [manager]: puts })).toMatchObject({ code: 0 });
  });
});
