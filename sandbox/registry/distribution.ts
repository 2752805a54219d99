import { ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Distribution {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly url: string;
  /** The last 64 KiB of its log. */
  logs(): string;
  /** Ends the process and removes its storage. */
  close(): Promise<void>;
}

const BINARY = 'docker-registry';
const START_MS = 15_000;
const LOG_BYTES = 64 * 1024;

/** Whether CNCF distribution, as Debian and Ubuntu package it, is installed. */
export function hasDistribution(): boolean {
  return findBinary() !== undefined;
}

/**
 * Starts CNCF distribution, the reference registry, on a port of the system's choice.
 * @throws when it isn't installed, or doesn't answer
 */
export async function startDistribution(): Promise<Distribution> {
  const binary = findBinary();
  if (binary === undefined) {
    throw new Error(`"${BINARY}" (CNCF distribution) isn't in PATH. Install it with: apt-get install ${BINARY}`);
  }
  const directory = mkdtempSync(join(tmpdir(), 'distribution-'));
  const configFile = join(directory, 'config.yml');
  writeFileSync(configFile, configuration(join(directory, 'storage')));
  // A clean environment: distribution takes every REGISTRY_... variable as configuration.
  const child = spawn(binary, ['serve', configFile], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH },
  });
  const close = async (): Promise<void> => {
    await end(child);
    rmSync(directory, { recursive: true, force: true });
  };
  const log = new Log(child);
  try {
    const port = await listening(child, log);
    await answering(port, log);
    return { host: `127.0.0.1:${port}`, url: `http://127.0.0.1:${port}`, logs: () => log.text, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function findBinary(): string | undefined {
  return (process.env.PATH ?? '').split(':').map(folder => join(folder, BINARY)).find(path => existsSync(path));
}

/** JSON is YAML. Port 0: the log says which one it became, so there is no race for a free port. */
function configuration(storage: string): string {
  return JSON.stringify({
    version: '0.1',
    log: { level: 'info', formatter: 'json' },
    storage: {
      filesystem: { rootdirectory: storage },
      delete: { enabled: true },
      maintenance: { uploadpurging: { enabled: false } },
    },
    http: { addr: '127.0.0.1:0', relativeurls: true },
    // Manifests with foreign layers are refused unless their URLs are allowed.
    validation: { manifests: { urls: { allow: ['^https?://'] } } },
  });
}

class Log {
  public text = '';
  private readonly watchers = new Set<() => void>();

  constructor(child: ChildProcess) {
    const take = (chunk: Buffer): void => {
      this.text = (this.text + chunk.toString('utf8')).slice(-LOG_BYTES);
      this.watchers.forEach(watch => watch());
    };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
  }

  public watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    watcher();
    return () => this.watchers.delete(watcher);
  }
}

function listening(child: ChildProcess, log: Log): Promise<number> {
  return new Promise((resolve, reject) => {
    let unwatch = (): void => undefined;
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      unwatch();
      act();
    };
    const fail = (what: string): void => settle(() => reject(new Error(`${BINARY} ${what}. Its log:\n${log.text}`)));
    const timer = setTimeout(() => fail(`didn't listen within ${START_MS} ms`), START_MS);
    child.once('error', error => fail(`didn't start (${error.message})`));
    child.once('exit', (code, signal) => fail(`ended with ${code ?? signal} before it listened`));
    unwatch = log.watch(() => {
      const port = /listening on 127\.0\.0\.1:(\d+)/.exec(log.text)?.[1];
      if (port !== undefined) { settle(() => resolve(Number(port))); }
    });
  });
}

/** The port is open when the log says so; an answer shows that storage and routes are there, too. */
async function answering(port: number, log: Log): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/v2/`, { signal: AbortSignal.timeout(START_MS) });
  const text = await response.text();
  if (response.status !== 200) {
    throw new Error(`${BINARY} answered ${response.status} ${text} to a ping; expected 200. Its log:\n${log.text}`);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) { return; }
  await new Promise<void>(resolve => {
    const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill('SIGTERM');
  });
}
