import { createSkopeoFiles, SkopeoFiles } from './auth-file';
import { run } from './process';
import { INSTALL_SKOPEO } from '../../../src/contract/install-skopeo';
import type { RegistryLogin } from '../../shared/ecr';

export interface CopyOptions {
  /** Copy the children of an index, too. */
  readonly all?: boolean;
  /** Ends the copy. */
  readonly signal?: AbortSignal;
}

/** The part of skopeo that the sync uses. */
export interface ImageCopier {
  /**
   * Copies a manifest with its blobs, and keeps every digest.
   *
   * @param source `ghcr.io/my-org/app@sha256:...`
   * @param target `HOST/my-org/app:tag`, or `HOST/my-org/app@sha256:...`
   * @throws SkopeoError
   */
  copy(source: string, target: string, options?: CopyOptions): Promise<void>;
  /**
   * The bytes of a manifest.
   *
   * @param source `ghcr.io/my-org/app@sha256:...`
   * @throws SkopeoError
   */
  inspect(source: string, signal?: AbortSignal): Promise<Buffer>;
}

export interface SkopeoOptions {
  /** The present logins, asked before each process: they are renewed during a build. */
  readonly logins: () => readonly RegistryLogin[];
  readonly print: (line: string) => void;
  /** Shell script that installs skopeo when a fallback needs it and the image lacks it. */
  readonly install?: string;
  readonly binary?: string;
}

/**
 * Runs skopeo with an auth file and a trust policy of our own. A missing auth file would make skopeo
 * anonymous without a word, and some images have no policy, without which it refuses to work. The options are
 * those that skopeo 1.9 has, too.
 */
export class Skopeo implements ImageCopier {
  private installed: Promise<unknown> | undefined;
  private isThere: Promise<boolean> | undefined;
  private files: Promise<SkopeoFiles> | undefined;
  /** Writes of the auth file, one after the other. */
  private written: Promise<void> = Promise.resolve();
  private writtenLogins = '';

  constructor(private readonly options: SkopeoOptions) {}

  /** Whether the build image has skopeo, or the install phase has installed it. */
  public available(): Promise<boolean> {
    const { binary = 'skopeo' } = this.options;
    return this.isThere ??= run(binary, ['--version']).then(() => true, () => false);
  }

  public async copy(source: string, target: string, { all = false, signal }: CopyOptions = {}): Promise<void> {
    const { authFile, policyFile } = await this.ready(signal);
    this.options.print(`skopeo copy docker://${source} docker://${target}`);
    await this.run([
      '--policy',
      policyFile,
      'copy',
      '--quiet',
      ...(all ? ['--all'] : []),
      '--preserve-digests',
      '--authfile',
      authFile,
      `docker://${source}`,
      `docker://${target}`,
    ], [source, target, authFile, policyFile], signal);
  }

  public async inspect(source: string, signal?: AbortSignal): Promise<Buffer> {
    const { authFile, policyFile } = await this.ready(signal);
    const args = ['--policy', policyFile, 'inspect', '--raw', '--authfile', authFile, `docker://${source}`];
    return this.run(args, [source, authFile, policyFile], signal);
  }

  /** Removes the credentials. */
  public async remove(): Promise<void> {
    await (await this.files)?.remove();
  }

  private run(args: readonly string[], names: readonly string[], signal: AbortSignal | undefined): Promise<Buffer> {
    return run(this.options.binary ?? 'skopeo', args, names, signal);
  }

  /** Resolves when skopeo and its files are there, and the auth file has the present logins. */
  private async ready(signal: AbortSignal | undefined): Promise<SkopeoFiles> {
    if (!await this.available()) {
      await (this.installed ??= run('bash', ['-c', this.options.install ?? INSTALL_SKOPEO], [], signal));
    }
    const files = await (this.files ??= createSkopeoFiles());
    this.written = this.written.then(() => this.write(files));
    await this.written;
    return files;
  }

  private async write(files: SkopeoFiles): Promise<void> {
    const logins = this.options.logins();
    const text = JSON.stringify(logins);
    if (text === this.writtenLogins) { return; }
    await files.login(logins);
    this.writtenLogins = text;
  }
}
