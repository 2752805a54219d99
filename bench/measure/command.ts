import { spawn } from 'node:child_process';
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
  /** The last of what it printed. */
  readonly output: string;
}

const OUTPUT_CHARACTERS = 4_000_000;

/** Runs a program to its end. @throws when it can't be started */
export function runCommand({ program, args, environment }: Command): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH ?? '', ...environment } });
    const memory = child.pid === undefined ? undefined : new MemoryWatch(child.pid);
    let output = '';
    const keep = (text: string): void => { output = (output + text).slice(-OUTPUT_CHARACTERS); };
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    child.once('error', error => {
      memory?.stop();
      reject(new Error(`"${program}" could not be started: ${error.message}`));
    });
    child.once('close', code => resolve({ code, seconds: (performance.now() - start) / 1000, peakBytes: memory?.stop() ?? 0, output }));
  });
}
