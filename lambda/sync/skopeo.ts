import { spawn } from 'node:child_process';
import type { SkopeoFiles } from './auth-file';

/** Copies images between registries. */
export interface ImageCopier {
  /**
   * Copies a manifest or an index with all its children, keeping every digest.
   *
   * @param source `ghcr.io/my-org/app@sha256:...`
   * @param target `HOST/my-org/app:tag`, or `HOST/my-org/app@sha256:...`
   * @param signal ends the copy
   */
  copy(source: string, target: string, signal?: AbortSignal): Promise<void>;
}

/** skopeo ended with an error; the message is the last lines that it printed. */
export class SkopeoError extends Error {
  public override readonly name = 'SkopeoError';
}

/** skopeo prints progress to its standard output, and what went wrong to its standard error: this much of it is kept. */
const ERROR_CHARACTERS = 2_000;

export function skopeoCopier(files: Pick<SkopeoFiles, 'authFile' | 'policyFile'>, binary = 'skopeo'): ImageCopier {
  return {
    copy: (source, target, signal) => run(binary, [
      '--policy', files.policyFile,
      'copy', '--quiet', '--all', '--preserve-digests', '--authfile', files.authFile,
      `docker://${source}`, `docker://${target}`,
    ], signal),
  };
}

function run(binary: string, args: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(binary, args, { stdio: ['ignore', 'ignore', 'pipe'], signal });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => { errors = (errors + text).slice(-ERROR_CHARACTERS); });
    child.on('error', error => reject(error.name === 'AbortError' ? error : new SkopeoError(`${binary} could not be started: ${error.message}. The buildspec's install phase installs it: see its log.`)));
    child.on('close', (code, killedBy) => {
      if (code === 0) { resolve(); } else { reject(new SkopeoError(lastError(errors) || `skopeo ended with ${killedBy ?? code} and no message`)); }
    });
  });
}

/** The message in skopeo's log line: `time="..." level=fatal msg="..."`. */
function lastError(output: string): string {
  const line = output.trim().split('\n').filter(text => /level=(fatal|error)/.test(text)).pop() ?? output.trim().split('\n').pop() ?? '';
  return /msg="((?:[^"\\]|\\.)*)"/.exec(line)?.[1].replace(/\\([nrt])/g, ' ').replace(/\\(.)/g, '$1') ?? line;
}
