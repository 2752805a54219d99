import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../../../sandbox/registry/process';

/** An independent implementation of AWS APIs: https://docs.getmoto.org */
const VERSION = '5.2.1';
const VENV = join(tmpdir(), `ghcr2ecr-moto-${VERSION}`);

export interface Moto {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts moto on a free loopback port; installs it first, once per machine. */
export async function startMoto(): Promise<Moto> {
  await install();
  const port = await freePort();
  const child = spawn(join(VENV, 'bin', 'moto_server'), ['-H', '127.0.0.1', '-p', String(port)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => { errors = (errors + text).slice(-2000); });
  const closed = new Promise<void>(resolve => child.once('close', () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  const close = (): Promise<void> => {
    child.kill();
    return closed;
  };
  for (let attempt = 0; attempt < 150; attempt++) {
    if (child.exitCode !== null) { throw new Error(`moto_server ended with ${child.exitCode}: ${errors}`); }
    if (await answers(url)) { return { url, close }; }
    await sleep(200);
  }
  await close();
  throw new Error(`moto_server did not answer on ${url} within 30 s: ${errors}`);
}

async function install(): Promise<void> {
  if (existsSync(join(VENV, 'installed'))) { return; }
  const environment = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? tmpdir(), ...packageSettings() };
  const script = `set -e; python3 -m venv "${VENV}"; "${VENV}/bin/pip" install --quiet "moto[server]==${VERSION}"; `
    + `touch "${VENV}/installed"`;
  const result = await run('bash', ['-c', script], environment, 'Install it with: apt-get install bash');
  if (result.code !== 0) {
    throw new Error(`The contract tests need moto ${VERSION} (python3 with venv, and a package index that pip can `
      + `reach); pip said:\n${result.stderr.slice(-2000)}`);
  }
}

/** How this machine's pip reaches its index. */
function packageSettings(): Record<string, string> {
  return Object.fromEntries(Object.entries(process.env).flatMap(([name, value]) =>
    value !== undefined && /^(PIP_|https?_proxy$|no_proxy$|SSL_CERT|REQUESTS_CA)/i.test(name) ? [[name, value]] : []));
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/moto-api/`);
    await response.arrayBuffer();
    return response.ok;
  } catch {
    // Not listening yet.
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>(resolve => server.close(() => resolve()));
  return port;
}
