import { LayersNotFoundException, ReferencedImagesNotFoundException } from '@aws-sdk/client-ecr';
import { putManifest, tagImage } from './put';
import type { CopyRun } from './run';
import { sourceRepository } from '../../../src/image-name';
import { messageOf } from '../../shared/errors';
import { settleAll } from '../../shared/settle-all';
import { Descriptor, ParsedManifest, parseManifest } from '../registry/manifest';
import type { SourceManifest } from '../registry/source';
import { causeOf } from '../resilience/causes';
import { retrying } from '../resilience/retry';

/** The ECR repository that a package is copied into. */
export interface CopyTarget {
  readonly package: string;
  /** Name of the ECR repository. */
  readonly repository: string;
  /** URI of the repository: `HOST/my-org/app`. */
  readonly uri: string;
}

/** How the copy of a manifest ended. */
export interface Copied {
  /** Bytes of configs and layers that were moved; blobs that ECR had count nothing. */
  readonly bytes: number;
  /** Whether it is something else than an image: a signature, an attestation, a chart. */
  readonly artifact: boolean;
}

/** ECR does not accept this kind of manifest, and it is an artifact, not an image. */
export class ArtifactRefused extends Error {
  public override readonly name = 'ArtifactRefused';
}

/** A manifest that was read from the source registry. */
interface FetchedManifest {
  readonly digest: string;
  readonly source: SourceManifest;
  readonly parsed: ParsedManifest;
  /** Tag to put it under; without one, it is put by its digest alone. */
  readonly tag: string | undefined;
}

/**
 * Copies manifests into one repository: each of them once, and each blob once.
 *
 * A manifest is put after everything that it refers to: its blobs, which are moved side by side, or the children of an index. The bytes of
 * a manifest are put unchanged, so that digests stay the same, and at a pace that ECR accepts.
 */
export class ManifestCopier {
  private readonly underWay = new Map<string, Promise<Copied>>();
  /** By digest, the moves of blobs that were started here. */
  private readonly blobs = new Map<string, Promise<void>>();
  private readonly present: Set<string>;

  /**
   * @param present digests that the repository has
   * @param mayHaveBlobs false for a repository that was created a moment ago: it is not asked for blobs
   */
  constructor(
    private readonly target: CopyTarget, present: Iterable<string>, private mayHaveBlobs: boolean, private readonly run: CopyRun,
  ) {
    this.present = new Set(present);
  }

  /** Copies an image under a tag. A manifest that was copied with an index before is only tagged. */
  public async copy(digest: string, tag: string): Promise<Copied> {
    const before = this.underWay.get(digest);
    if (before === undefined) { return this.begin(digest, tag); }
    const copied = await before;
    await tagImage(this.run, this.target.repository, digest, [tag]);
    return { ...copied, bytes: 0 };
  }

  /** Copies everything again: something that ECR's inventory listed is archived, or was deleted since. */
  public distrustInventory(): void {
    this.present.clear();
    this.blobs.clear();
    this.mayHaveBlobs = false;
  }

  private begin(digest: string, tag?: string): Promise<Copied> {
    const work = this.move(digest, tag);
    this.underWay.set(digest, work);
    return work;
  }

  private async move(digest: string, tag: string | undefined): Promise<Copied> {
    const { run, target } = this;
    const source = await retrying(this.name(digest), run, run.blobConcurrency, () => (
      run.source.manifest(sourceRepository(run.organization, target.package), digest, run.stopped)
    ));
    const parsed = parseManifest(source.bytes, source.contentType);
    const fetched = { digest, source, parsed, tag };
    const copied = await (parsed.children === undefined ? this.manifest(fetched) : this.index(fetched, parsed.children));
    this.present.add(digest);
    return copied;
  }

  private async index(fetched: FetchedManifest, children: readonly string[]): Promise<Copied> {
    const copied = await this.children(children);
    const artifact = fetched.parsed.artifact || (copied.length > 0 && copied.every(child => child.artifact));
    await refusable(artifact, async () => {
      try {
        await this.put(fetched);
      } catch (error) {
        if (!(error instanceof ReferencedImagesNotFoundException)) { throw error; }
        this.distrustInventory();
        await this.children(children);
        await this.put(fetched);
      }
    });
    return { bytes: copied.reduce((sum, child) => sum + child.bytes, 0), artifact };
  }

  private children(digests: readonly string[]): Promise<Copied[]> {
    const missing = digests.filter(digest => !this.present.has(digest));
    return settleAll(missing.map(digest => this.underWay.get(digest) ?? this.begin(digest)));
  }

  private async manifest(fetched: FetchedManifest): Promise<Copied> {
    const { parsed } = fetched;
    let bytes = 0;
    await refusable(parsed.artifact, async () => {
      try {
        bytes = await this.moveBlobs(parsed.blobs);
      } catch (error) {
        if (this.run.stopped.aborted || !isForSkopeo(error)) { throw error; }
        this.run.print(`fallback ${this.name(fetched.digest)} to skopeo: ${messageOf(error)}`);
        bytes = await this.bySkopeo(fetched);
        if (fetched.tag === undefined) { return; }
      }
      bytes += await this.putWithBlobs(fetched);
    });
    return { bytes, artifact: parsed.artifact };
  }

  /** @returns number of bytes that had to be moved after all */
  private async putWithBlobs(fetched: FetchedManifest): Promise<number> {
    try {
      await this.put(fetched);
      return 0;
    } catch (error) {
      if (!(error instanceof LayersNotFoundException)) { throw error; }
      // ECR had a blob when it was asked, and lacks it now: the last image with it was deleted or archived meanwhile.
      this.distrustInventory();
      const bytes = await this.moveBlobs(fetched.parsed.blobs);
      await this.put(fetched);
      return bytes;
    }
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

  private async moveBlob(blob: Descriptor): Promise<number> {
    const { run, target: { package: packageName, repository: to } } = this;
    const other = run.mountSources.get(blob.digest);
    const from = sourceRepository(run.organization, packageName);
    const job = { blob, from, to, mayBePresent: this.mayHaveBlobs, mountFrom: other === to ? undefined : other };
    const bytes = await retrying(`${to} blob ${blob.digest}`, run, run.blobConcurrency, () => (
      run.blobConcurrency.run(() => run.blobs.move(job, run.stopped))
    ));
    run.mountSources.set(blob.digest, to);
    return bytes;
  }

  /**
   * Lets skopeo copy the manifest with its blobs, by its digest alone.
   *
   * @returns number of bytes of the manifest's blobs: skopeo does not tell which of them it moved
   */
  private async bySkopeo({ digest, parsed }: FetchedManifest): Promise<number> {
    const { run, target: { package: packageName, uri } } = this;
    const from = `${run.registryHost}/${sourceRepository(run.organization, packageName)}@${digest}`;
    await retrying(this.name(digest), run, run.blobConcurrency, () => run.blobConcurrency.run(async () => {
      await run.putImages.take();
      await run.copier.copy(from, `${uri}@${digest}`, run.stopped);
    }));
    return parsed.blobs.reduce((sum, { size }) => sum + size, 0);
  }

  private put({ digest, source, parsed, tag }: FetchedManifest): Promise<void> {
    return putManifest(this.run, this.target.repository, { ...source, contentType: parsed.mediaType }, digest, tag);
  }

  private name(digest: string): string {
    return `${this.target.repository}@${digest}`;
  }
}

/** skopeo may get on where a registry does not accept our requests, or fails in a way that we don't know. */
function isForSkopeo(error: unknown): boolean {
  return ['unsupported', 'unknown'].includes(causeOf(error));
}

/** @throws ArtifactRefused when ECR does not accept an artifact */
async function refusable(artifact: boolean, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw artifact && causeOf(error) === 'unsupported' ? new ArtifactRefused(messageOf(error), { cause: error }) : error;
  }
}
