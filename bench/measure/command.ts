import { ChildProcess, spawn } from 'node:child_process';
import { MemoryWatch } from './process-tree';

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  /** Beside PATH; nothing else of our own environment gets through. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface CommandResult {
  readonly code: number | null;
  readonly seconds: number;
  readonly peakBytes: number;
  /** Whether the command took longer than it may, and was killed. */
  readonly stopped: boolean;
  /** The last of what it printed. */
  readonly output: string;
}

const OUTPUT_CHARACTERS = 4_000_000;

/**
 * Runs a program to its end.
 *
 * @param limitSeconds kills the program, and whatever it started, after this time; by default
 * it may take as long as it likes
 * @throws when it can't be started
 */
export function runCommand({ program, args, environment }: Command, limitSeconds = Infinity): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const env = { PATH: process.env.PATH ?? '', ...environment };
    // A process group of its own, which can be killed as a whole.
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env, detached: true });
    const memory = child.pid === undefined ? undefined : new MemoryWatch(child.pid);
    const limit = limitOf(child, limitSeconds);
    let output = '';
    const keep = (text: string): void => { output = (output + text).slice(-OUTPUT_CHARACTERS); };
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    child.once('error', error => {
      memory?.stop();
      limit.clear();
      reject(new Error(`"${program}" could not be started: ${error.message}`));
    });
    child.once('close', code => {
      limit.clear();
      const seconds = (performance.now() - start) / 1000;
      resolve({ code, seconds, peakBytes: memory?.stop() ?? 0, stopped: limit.struck(), output });
    });
  });
}

/** Kills the child's process group when its time is over. */
function limitOf(
  { pid }: ChildProcess,
  seconds: number,
): { readonly clear: () => void; readonly struck: () => boolean } {
  if (!Number.isFinite(seconds) || pid === undefined) { return { clear: () => undefined, struck: () => false }; }
  let struck = false;
  const timer = setTimeout(() => {
    struck = true;
    process.kill(-pid, 'SIGKILL');
  }, seconds * 1000);
  return { clear: () => clearTimeout(timer), struck: () => struck };
}
