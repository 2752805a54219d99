import { ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { writeOciLayout } from './oci-layout';
import type { DemoResult } from '../../sandbox/demo/scenario';
import { imageOfBinary } from '../../sandbox/registry/rootfs';
import { Skopeo } from '../../sandbox/registry/skopeo';

const REPOSITORY = join(__dirname, '../..');

const DEMO = ['node_modules/tsx/dist/cli.mjs', 'sandbox/demo/demo.ts'];

/** Debian's busybox-static, a real root filesystem; elsewhere Node itself is a real binary, too. */
const BINARY = ['/usr/bin/busybox', '/bin/busybox'].find(path => existsSync(path)) ?? process.execPath;

const directory = mkdtempSync(join(tmpdir(), 'demo-test-'));
const jsonFile = join(directory, 'demo.json');
let demo: ChildProcess;
let output = '';

/** The demo as a person runs it, in a process of its own, kept running by --serve. */
beforeAll(async () => {
  demo = spawn(process.execPath, [...DEMO, '--json', jsonFile, '--serve'], {
    cwd: REPOSITORY, stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [demo.stdout, demo.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => { output += text; });
  }
  await until(() => output.includes('skopeo inspect'), 'the demo keeps running', 150_000);
}, 160_000);

afterAll(async () => {
  if (demo.exitCode === null) {
    const ended = once(demo, 'exit');
    demo.kill('SIGINT');
    await ended;
  }
  rmSync(directory, { recursive: true, force: true });
}, 30_000);

async function until(reached: () => Promise<boolean> | boolean, what: string, timeoutMs: number): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!await reached()) {
    if (performance.now() > end || demo.exitCode !== null) {
      throw new Error(`not reached: ${what}; the demo printed:\n${output}`);
    }
    await sleep(100);
  }
}

function result(): DemoResult {
  return JSON.parse(readFileSync(jsonFile, 'utf8')) as DemoResult;
}

/** Finds the text that follows a word in the instructions: the host, and the file with the password. */
function login(pattern: RegExp): { host: string; password: string } {
  const [, host, file] = pattern.exec(output) ?? [];
  if (!host || !file) { throw new Error(`the instructions have no ${pattern}:\n${output}`); }
  return { host, password: readFileSync(file, 'utf8') };
}

describe('npm run demo', () => {
  test('mirrors every image of four packages with its digest, indexes included', () => {
    const { images } = result();
    expect(images.filter(({ equal }) => !equal)).toEqual([]);
    expect(new Set(images.map(image => image.package))).toEqual(new Set(['app', 'web', 'base', 'team/tools/lint']));
    expect(images.length).toBeGreaterThanOrEqual(11);
    images.forEach(({ source, target }) => expect(target).toBe(source));
  });

  test('follows a tag that moved, and several tags on one digest', () => {
    const tags = Object.fromEntries(result()
      .images.filter(image => image.package === 'app')
      .map(({ tag, target }) => [tag, target]));
    expect(tags.latest).toBe(tags['2.0.0']);
    expect(tags['1.1']).toBe(tags['1.0.0']);
    expect(tags['1.1.0']).not.toBe(tags['1.0.0']);
  });

  test('starts no build for a duplicate delivery', () => {
    expect(result().buildsByDuplicate).toBe(0);
    expect(result().builds.map(({ status }) => status)).toEqual(['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED']);
  });

  test('registers the webhook: the first delivery is GitHub\'s ping', () => {
    const { deliveries } = result();
    expect(deliveries[0]).toEqual({ event: 'ping', status: 200, redelivery: false });
    expect(deliveries.filter(({ event, status }) => event === 'package' && status !== 202)).toEqual([]);
  });

  test('copies by skopeo every manifest that is no index, each once', () => {
    const copied = [...output.matchAll(/skopeo copy docker:\/\/\S+@(sha256:\w+) docker:\/\/\S+@\1$/gm)].map(match => match[1]);
    expect(copied.length).toBeGreaterThanOrEqual(10);
    expect(new Set(copied).size).toBe(copied.length);
    expect(output).not.toMatch(/^.*(fallback|retry) /m);
  });

  test('ends in a table, and tells the time from delivery to arrival', () => {
    expect(output).toMatch(/package +tag +source digest +target digest +equal/);
    expect(output).toMatch(/from delivery to arrival: \d+\.\d s/);
    expect(result().secondsToArrival).toBeGreaterThan(0);
  });
});

test('npm run demo -- --engine direct mirrors the same without skopeo', async () => {
  const file = join(directory, 'direct.json');
  const { stdout } = await promisify(execFile)(process.execPath, [...DEMO, '--engine', 'direct', '--json', file], {
    cwd: REPOSITORY,
  });
  expect((JSON.parse(readFileSync(file, 'utf8')) as DemoResult).images.filter(({ equal }) => !equal)).toEqual([]);
  expect(stdout).not.toMatch(/skopeo copy|skopeo version/);
}, 150_000);

test('npm run demo -- --engine crane fails, and tells what there is', async () => {
  const demoWith = promisify(execFile)(process.execPath, [...DEMO, '--engine', 'crane'], { cwd: REPOSITORY });
  await expect(demoWith).rejects.toMatchObject({
    stdout: expect.stringContaining('--engine is "crane", expected skopeo or direct') as string,
  });
}, 30_000);

describe('npm run demo -- --serve', () => {
  test('an image that plain skopeo pushes from outside arrives with its digest', async () => {
    const image = imageOfBinary(BINARY, ['sh', 'ls']);
    writeOciLayout(join(directory, 'layout'), image, '1');
    const ghcr = login(/skopeo login --tls-verify=false -u me --password-stdin (\S+) <(\S+)/);
    const ecr = login(/skopeo login --tls-verify=false -u AWS --password-stdin (\S+) <(\S+)/);
    const skopeo = new Skopeo([{ ...ghcr, user: 'me' }, { ...ecr, user: 'AWS' }]);
    try {
      const pushed = await skopeo.run('copy', '--all', '--preserve-digests', `oci:${join(directory, 'layout')}:1`, `docker://${ghcr.host}/my-org/mine:1`);
      expect(pushed).toMatchObject({ code: 0 });
      const digestInEcr = async (): Promise<string> =>
        (await skopeo.run('inspect', '--format', '{{.Digest}}', `docker://${ecr.host}/my-org/mine:1`)).stdout.trim();
      await until(async () => await digestInEcr() === image.digest, `mine:1 ${image.digest} in ECR`, 60_000);
    } finally {
      skopeo.close();
    }
  }, 90_000);
});
