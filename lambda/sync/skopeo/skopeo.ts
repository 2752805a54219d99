import { spawn } from 'node:child_process';
import { basename } from 'node:path';
import { createSkopeoFiles, SkopeoFiles } from './auth-file';
import { lastMessage, SkopeoError } from './errors';
import { INSTALL_SKOPEO } from './install';
import type { RegistryLogin } from '../../shared/ecr';

/** Copies images between registries, with their blobs. */
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

/** How much of skopeo's standard error is kept: its end, where the error is. */
const ERROR_CHARACTERS = 2_000;

export function skopeoCopier(files: Pick<SkopeoFiles, 'authFile' | 'policyFile'>, binary = 'skopeo'): ImageCopier {
  return {
    copy: (source, target, signal) => run(binary, [
      '--policy', files.policyFile,
      'copy', '--quiet', '--all', '--preserve-digests', '--authfile', files.authFile,
      `docker://${source}`, `docker://${target}`,
    ], [source, target, files.policyFile, files.authFile], signal),
  };
}

export interface SkopeoOptions {
  /** Asked for each copy: logins are renewed during a build. */
  readonly logins: () => readonly RegistryLogin[];
  /** Shell script that sees to it that skopeo is there. */
  readonly install?: string;
  readonly binary?: string;
}

/** skopeo, for images that the mirror can't move itself. It is installed, and credentials are on the disk, from the first of them on. */
export class SkopeoOnDemand implements ImageCopier {
  private installed: Promise<unknown> | undefined;
  private files: Promise<SkopeoFiles> | undefined;

  constructor(private readonly options: SkopeoOptions) {}

  public async copy(source: string, target: string, signal?: AbortSignal): Promise<void> {
    const { logins, install = INSTALL_SKOPEO, binary } = this.options;
    await (this.installed ??= run('bash', ['-c', install], [], signal));
    const files = await (this.files ??= createSkopeoFiles());
    await files.login(logins());
    await skopeoCopier(files, binary).copy(source, target, signal);
  }

  /** Removes the credentials. */
  public async remove(): Promise<void> {
    await (await this.files)?.remove();
  }
}

/** @param names what the error must not be classified by */
function run(binary: string, args: readonly string[], names: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(binary, args, { stdio: ['ignore', 'ignore', 'pipe'], signal });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => { errors = (errors + text).slice(-ERROR_CHARACTERS); });
    child.on('error', error => {
      reject(error.name === 'AbortError' ? error : new SkopeoError(`${binary} could not be started: ${error.message}`, names, { cause: error }));
    });
    child.on('close', (code, killedBy) => {
      if (code === 0) { return resolve(); }
      reject(new SkopeoError(lastMessage(errors) || `${basename(binary)} ended with ${killedBy ?? code} and no message`, names));
    });
  });
}
