import { LayersNotFoundException } from '@aws-sdk/client-ecr';
import type { Engine, FetchedManifest } from './engine';
import type { CopyTarget, ManifestWriter } from './manifest-writer';
import type { CopyRun } from './run';
import { CopyEngine } from '../../../src/contract/copy-engine';
import { sourceRepository } from '../../../src/image-name';
import { settleAll } from '../../shared/settle-all';
import type { Descriptor } from '../registry/manifest';
import { retrying } from '../resilience/retry';

/** Streams blobs from registry to registry, side by side and each of them once, then puts the manifest. */
export class DirectEngine implements Engine {
  public readonly name = CopyEngine.DIRECT;
  /** By digest, the moves of blobs that were started here. */
  private readonly blobs = new Map<string, Promise<void>>();

  /** @param mayHaveBlobs false for a repository that was created a moment ago: it is not asked for blobs */
  constructor(
    private readonly run: CopyRun,
    private readonly target: CopyTarget,
    private readonly writer: ManifestWriter,
    private mayHaveBlobs: boolean,
  ) {}

  public async copy(manifest: FetchedManifest): Promise<number> {
    const bytes = await this.moveBlobs(manifest.parsed.blobs);
    try {
      await this.writer.put(manifest);
      return bytes;
    } catch (error) {
      if (!(error instanceof LayersNotFoundException)) { throw error; }
      // ECR had a blob when it was asked, and lacks it now: the last image with it was deleted or archived meanwhile.
      this.distrustInventory();
      const again = await this.moveBlobs(manifest.parsed.blobs);
      await this.writer.put(manifest);
      return bytes + again;
    }
  }

  /** None: manifests share the move of a blob, and need not wait for one another. */
  public sharing(): readonly Promise<unknown>[] {
    return [];
  }

  public distrustInventory(): void {
    this.blobs.clear();
    this.mayHaveBlobs = false;
  }

  /** @returns number of bytes moved by this call; blobs that another manifest shares are counted there */
  private async moveBlobs(blobs: readonly Descriptor[]): Promise<number> {
    let bytes = 0;
    await settleAll(blobs.map(blob => {
      const move = this.blobs.get(blob.digest) ?? this.moveBlob(blob).then(moved => { bytes += moved; });
      this.blobs.set(blob.digest, move);
      return move;
    }));
    return bytes;
  }

  private moveBlob(blob: Descriptor): Promise<number> {
    const { run, target: { package: packageName, repository: to } } = this;
    const other = run.mountSources.get(blob.digest);
    const from = sourceRepository(run.organization, packageName);
    const job = { blob, from, to, mayBePresent: this.mayHaveBlobs, mountFrom: other === to ? undefined : other };
    return retrying(`${to} blob ${blob.digest}`, run, run.blobConcurrency, () => (
      run.blobConcurrency.run(() => run.blobs.move(job, run.stopped))
    ));
  }
}
