import { LayersNotFoundException, ReferencedImagesNotFoundException } from '@aws-sdk/client-ecr';
import { putManifest, tagImage } from './put';
import { sourceRepository } from '../../../src/image-name';
import type { SyncRun } from '../context';
import { Content, ManifestShape, parseManifest } from '../registry/manifest';
import type { SourceManifest } from '../registry/source';
import { causeOf } from '../resilience/failure';
import { retrying } from '../resilience/retrying';

/** Where a package goes. */
export interface Place {
  readonly package: string;
  /** Name of the ECR repository. */
  readonly repository: string;
  /** URI of the repository: `HOST/my-org/app`. */
  readonly uri: string;
}

/** What came along with a manifest. */
export interface Copied {
  /** Of config and layers, as they were moved: none for what ECR had. */
  readonly bytes: number;
  /** No image, but a signature, an attestation, a chart. */
  readonly artifact: boolean;
}

/** ECR does not accept this kind of manifest, and it is no image. */
export class ArtifactRefused extends Error {
  public override readonly name = 'ArtifactRefused';
}

/** A manifest of the source, and the tag that it gets; without one, it is there by its digest alone. */
interface Found {
  readonly digest: string;
  readonly source: SourceManifest;
  readonly shape: ManifestShape;
  readonly tag: string | undefined;
}

/**
 * Copies manifests into one repository: each of them once, and each blob once.
 *
 * A manifest is put when all that it names is there: blobs are moved side by side, children before their index. The bytes of a manifest
 * are put as they are, so that digests stay, and at a pace that ECR takes.
 */
export class ManifestCopier {
  private readonly underWay = new Map<string, Promise<Copied>>();
  /** Blobs that are moved or have been. */
  private readonly blobs = new Map<string, Promise<void>>();
  private readonly held: Set<string>;

  /**
   * @param held digests that the repository has
   * @param mayHaveBlobs false for a repository that was made a moment ago
   */
  constructor(private readonly place: Place, held: Iterable<string>, private mayHaveBlobs: boolean, private readonly run: SyncRun) {
    this.held = new Set(held);
  }

  /** Copies an image under a tag. A manifest that came with an index meanwhile is only tagged. */
  public async copy(digest: string, tag: string): Promise<Copied> {
    const before = this.underWay.get(digest);
    if (before === undefined) { return this.begin(digest, tag); }
    const copied = await before;
    await tagImage(this.run, this.place.repository, digest, [tag]);
    return { ...copied, bytes: 0 };
  }

  /** The inventory was mistaken: something that it listed is archived, or deleted since. Pushing that again brings it back. */
  public distrustInventory(): void {
    this.held.clear();
    this.blobs.clear();
    this.mayHaveBlobs = false;
  }

  private begin(digest: string, tag?: string): Promise<Copied> {
    const work = this.move(digest, tag);
    this.underWay.set(digest, work);
    return work;
  }

  private async move(digest: string, tag: string | undefined): Promise<Copied> {
    const { run, place } = this;
    const source = await retrying(this.name(digest), run, () => (
      run.source.manifest(sourceRepository(run.organization, place.package), digest, run.stopped)
    ));
    const shape = parseManifest(source.bytes, source.contentType);
    const found = { digest, source, shape, tag };
    const copied = await (shape.children === undefined ? this.manifest(found) : this.index(found, shape.children));
    this.held.add(digest);
    return copied;
  }

  private async index(found: Found, children: readonly string[]): Promise<Copied> {
    const copied = await this.children(children);
    const artifact = found.shape.artifact || (copied.length > 0 && copied.every(child => child.artifact));
    await refusable(artifact, async () => {
      try {
        await this.put(found);
      } catch (error) {
        if (!(error instanceof ReferencedImagesNotFoundException)) { throw error; }
        this.distrustInventory();
        await this.children(children);
        await this.put(found);
      }
    });
    return { bytes: copied.reduce((sum, child) => sum + child.bytes, 0), artifact };
  }

  /** All of them come to an end before a failure of one is thrown. */
  private async children(digests: readonly string[]): Promise<Copied[]> {
    const missing = digests.filter(digest => !this.held.has(digest));
    const settled = await Promise.allSettled(missing.map(digest => this.underWay.get(digest) ?? this.begin(digest)));
    return settled.map(result => {
      if (result.status === 'rejected') { throw result.reason; }
      return result.value;
    });
  }

  private async manifest(found: Found): Promise<Copied> {
    const { shape } = found;
    let bytes = 0;
    await refusable(shape.artifact, async () => {
      try {
        bytes = await this.moveBlobs(shape.contents);
      } catch (error) {
        if (this.run.stopped.aborted || !isForSkopeo(error)) { throw error; }
        this.run.print(`fallback ${this.name(found.digest)} to skopeo: ${error.message}`);
        bytes = await this.bySkopeo(found);
        return;
      }
      bytes += await this.putWithBlobs(found);
    });
    return { bytes, artifact: shape.artifact };
  }

  /** @returns bytes that had to be moved after all */
  private async putWithBlobs(found: Found): Promise<number> {
    try {
      await this.put(found);
      return 0;
    } catch (error) {
      if (!(error instanceof LayersNotFoundException)) { throw error; }
      // ECR said that it has a blob, and thinks otherwise now: the last image with it was deleted or archived meanwhile.
      this.distrustInventory();
      const bytes = await this.moveBlobs(found.shape.contents);
      await this.put(found);
      return bytes;
    }
  }

  /** @returns bytes that were moved here, and not for another manifest before */
  private async moveBlobs(contents: readonly Content[]): Promise<number> {
    let bytes = 0;
    const moves = contents.map(content => {
      const move = this.blobs.get(content.digest) ?? this.moveBlob(content).then(moved => { bytes += moved; });
      this.blobs.set(content.digest, move);
      return move;
    });
    // All of them come to an end before a failure of one is thrown.
    (await Promise.allSettled(moves)).forEach(result => { if (result.status === 'rejected') { throw result.reason; } });
    return bytes;
  }

  private async moveBlob(content: Content): Promise<number> {
    const { run, place: { package: packageName, repository: to } } = this;
    const home = run.blobHomes.get(content.digest);
    const job = {
      content, from: sourceRepository(run.organization, packageName), to, mayBeThere: this.mayHaveBlobs, mountFrom: home === to ? undefined : home,
    };
    const bytes = await retrying(`${to} blob ${content.digest}`, run, () => run.copies.run(() => run.blobs.move(job, run.stopped)));
    run.blobHomes.set(content.digest, to);
    return bytes;
  }

  /** @returns bytes of the manifest's blobs: skopeo does not tell which of them it moved */
  private async bySkopeo(found: Found): Promise<number> {
    const { digest, tag, shape } = found;
    const { run, place: { package: packageName, uri } } = this;
    const from = `${run.registryHost}/${sourceRepository(run.organization, packageName)}@${digest}`;
    const complete = await retrying(this.name(digest), run, () => run.copies.run(async () => {
      await run.putImages.take();
      try {
        await run.copier.copy(from, `${uri}${tag === undefined ? `@${digest}` : `:${tag}`}`, run.stopped);
        return true;
      } catch (error) {
        if (!isManifestThrottled(error)) { throw error; }
        run.print(`retry    ${this.name(digest)} by PutImage (throttled): ${(error as Error).message}`);
        return false;
      }
    }));
    if (!complete) {
      // Everything but the manifest is there. When skopeo puts it is out of our hands, so that now and then several come at once.
      run.putImages.pause();
      await this.put(found);
    }
    return shape.contents.reduce((sum, { size }) => sum + size, 0);
  }

  private put({ digest, source, shape, tag }: Found): Promise<void> {
    return putManifest(this.run, this.place.repository, { ...source, contentType: shape.mediaType }, digest, tag);
  }

  private name(digest: string): string {
    return `${this.place.repository}@${digest}`;
  }
}

/** A registry that does not take what we send, or fails in a way that we don't know, may get on with skopeo. */
function isForSkopeo(error: unknown): error is Error {
  return error instanceof Error && ['unsupported', 'unknown'].includes(causeOf(error.message));
}

/** `writing manifest: uploading manifest 1 to HOST/my-org/app: toomanyrequests: Rate exceeded` */
function isManifestThrottled(error: unknown): boolean {
  return error instanceof Error && /uploading manifest/.test(error.message) && causeOf(error.message) === 'throttled';
}

async function refusable(artifact: boolean, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw artifact && causeOf(message) === 'unsupported' ? new ArtifactRefused(message) : error;
  }
}
