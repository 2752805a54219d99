import type { Engine, FetchedManifest } from './engine';
import { CopyTarget, ManifestWriter, sourceImage } from './manifest-writer';
import type { CopyRun } from './run';
import { CopyEngine } from '../../../src/contract/copy-engine';
import { sourceRepository } from '../../../src/image-name';
import { messageOf } from '../../shared/errors';
import { settleAll } from '../../shared/settle-all';
import { InvalidManifest } from '../registry/errors';
import { retrying } from '../resilience/retry';
import { SkopeoError } from '../skopeo/errors';

/**
 * One `skopeo copy` for each manifest that is no index, by its digest and to its digest alone. skopeo
 * refuses many indexes, and hides why a registry refused one; tags and indexes are put by PutImage, at a
 * pace that skopeo doesn't know.
 */
export class SkopeoEngine implements Engine {
  public readonly name = CopyEngine.SKOPEO;
  /** By digest of a blob, the copy under way that moves it. */
  private readonly moving = new Map<string, Promise<unknown>>();

  /** By digest of a blob, whether GHCR has it in this package. */
  private readonly owned = new Map<string, Promise<boolean>>();

  constructor(
    private readonly run: CopyRun,
    private readonly target: CopyTarget,
    private readonly writer: ManifestWriter,
  ) {}

  public async copy(manifest: FetchedManifest): Promise<number> {
    if (this.run.severalPackages) { await this.requireOwnBlobs(manifest); }
    const copying = this.process(manifest);
    this.announce(manifest, copying);
    const isPut = await copying;
    if (!isPut || manifest.tag !== undefined) { await this.writer.put(manifest); }
    // skopeo does not tell which blobs it moved, and which were there.
    return manifest.parsed.blobs.reduce((sum, { size }) => sum + size, 0);
  }

  public sharing({ parsed }: FetchedManifest): readonly Promise<unknown>[] {
    return parsed.blobs.flatMap(({ digest }) => this.moving.get(digest) ?? []);
  }

  /** Nothing is remembered here: skopeo asks the repository for each blob. */
  public distrustInventory(): void {}

  /**
   * A manifest may name a layer of another package, which its own package lacks. skopeo remembers the
   * repositories that it has sent a blob to, and would let ECR mount it from there. So GHCR has to confirm
   * first that this package has each blob. A build of one package has nothing to mount from.
   */
  private async requireOwnBlobs({ digest, parsed }: FetchedManifest): Promise<void> {
    const { run, target: { package: name } } = this;
    const repository = sourceRepository(run.organization, name);
    await settleAll(parsed.blobs.map(async blob => {
      const owned = this.owned.get(blob.digest)
        ?? retrying(`${repository} blob ${blob.digest}`, run, run.blobConcurrency, () => (
          run.source.hasBlob(repository, blob.digest, run.stopped)
        ));
      this.owned.set(blob.digest, owned);
      if (await owned) { return; }
      throw new InvalidManifest(`manifest ${digest} names blob ${blob.digest}, which package "${name}" does not have`);
    }));
  }

  private announce({ parsed }: FetchedManifest, copying: Promise<unknown>): void {
    const ended = copying.then(() => undefined, () => undefined).then(() => {
      parsed.blobs.forEach(({ digest }) => { if (this.moving.get(digest) === ended) { this.moving.delete(digest); } });
    });
    parsed.blobs.forEach(({ digest }) => { if (!this.moving.has(digest)) { this.moving.set(digest, ended); } });
  }

  /**
   * @returns whether the manifest was put, too: when ECR throttles that alone, the blobs are
   * there and PutImage does the rest
   */
  private process({ digest }: FetchedManifest): Promise<boolean> {
    const { run, target: { repository, uri } } = this;
    const name = `${repository}@${digest}`;
    return retrying(name, run, run.processes, () => run.processes.run(async () => {
      // skopeo puts a manifest at the end of its run, out of our hands.
      await run.putImages.take();
      run.stopped.throwIfAborted();
      try {
        await run.skopeo.copy(sourceImage(run, this.target, digest), `${uri}@${digest}`, { signal: run.stopped });
        return true;
      } catch (error) {
        if (!isPutThrottled(error)) { throw error; }
        run.print(`retry    ${name} by PutImage (throttled): ${messageOf(error)}`);
        run.putImages.pause();
        return false;
      }
    }));
  }
}

function isPutThrottled(error: unknown): boolean {
  return error instanceof SkopeoError && error.failureCause === 'throttled' && error.step === 'put manifest';
}
