import { spawn } from 'node:child_process';

export interface ProcessResult {
  /** null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program to its end.
 * @param install what to do when it is missing
 * @throws when it can't be started; an exit code other than 0 is a result
 */
export function run(
  program: string,
  args: readonly string[],
  environment: Record<string, string>,
  install: string,
): Promise<ProcessResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => { stdout += chunk.toString('utf8'); });
    child.stderr.on('data', (chunk: Buffer) => { stderr += chunk.toString('utf8'); });
    child.once('error', error => reject(new Error(`"${program}" didn't start (${error.message}). ${install}`)));
    child.once('close', code => resolve({ code, stdout, stderr }));
  });
}
