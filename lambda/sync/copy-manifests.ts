import { ReferencedImagesNotFoundException } from '@aws-sdk/client-ecr';
import { causeOf } from './failure';
import { ManifestShape, parseManifest } from './manifest';
import { retrying } from './retry';
import type { SyncRun } from './run';
import type { SourceManifest } from './source-registry';
import { sourceRepository } from '../../src/domain/image-name';

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
  /** Of config and layers, each counted with the first manifest that has it. Those that ECR had from before count too. */
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

/** An image that waits for another's upload of a blob saves these bytes; for less, the wait takes longer than the upload. */
const WORTH_WAITING_BYTES = 16 * 1024;

/**
 * Copies manifests into one repository: each of them once, and each blob once.
 *
 * skopeo copies the manifests that have blobs, one by one and side by side, by digest. The bytes of an index are put as they are, once
 * its children are there. That is several times faster than `skopeo copy --all`, which copies one child after the other; and skopeo
 * refuses indexes of entries without a platform ("Manifest list must be converted") and indexes in an index.
 */
export class ManifestCopier {
  private readonly underWay = new Map<string, Promise<Copied>>();
  /** Blobs that somebody uploads or has uploaded. */
  private readonly blobs = new Map<string, Promise<unknown>>();
  /** Digests that the repository has. */
  private readonly held: Set<string>;

  constructor(private readonly place: Place, held: Iterable<string>, private readonly run: SyncRun) {
    this.held = new Set(held);
  }

  /** Copies an image under a tag. A manifest that came with an index meanwhile is only tagged. */
  public async copy(digest: string, tag: string): Promise<Copied> {
    const before = this.underWay.get(digest);
    if (before === undefined) { return this.begin(digest, tag); }
    const copied = await before;
    await retrying(this.name(digest), this.run, () => this.run.target.tag(this.place.repository, digest, [tag]));
    return { ...copied, bytes: 0 };
  }

  /** The inventory was mistaken: something that it listed is archived, or deleted since. Pushing that again brings it back. */
  public distrustInventory(): void {
    this.held.clear();
  }

  private begin(digest: string, tag?: string): Promise<Copied> {
    const work = this.move(digest, tag);
    this.underWay.set(digest, work);
    return work;
  }

  private async move(digest: string, tag: string | undefined): Promise<Copied> {
    const { run, place } = this;
    const source = await retrying(this.name(digest), run, () => run.source.manifest(sourceRepository(run.organization, place.package), digest));
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
    const mine = shape.contents.filter(content => !this.blobs.has(content.digest));
    const others = shape.contents.filter(content => content.size >= WORTH_WAITING_BYTES).flatMap(content => this.blobs.get(content.digest) ?? []);
    const copy = Promise.allSettled(others).then(() => this.bytes(found));
    mine.forEach(content => this.blobs.set(content.digest, copy));
    await refusable(shape.artifact, () => copy);
    return { bytes: mine.reduce((sum, content) => sum + content.size, 0), artifact: shape.artifact };
  }

  private async bytes(found: Found): Promise<void> {
    const { digest, tag } = found;
    const { run, place: { package: packageName, uri } } = this;
    const from = `${run.registryHost}/${sourceRepository(run.organization, packageName)}@${digest}`;
    const complete = await retrying(this.name(digest), run, () => run.copies.run(async () => {
      await run.putImages.take(1);
      try {
        await run.copier.copy(from, `${uri}${tag === undefined ? `@${digest}` : `:${tag}`}`, run.stopped);
        return true;
      } catch (error) {
        if (!isManifestThrottled(error)) { throw error; }
        run.print(`retry    ${this.name(digest)} by PutImage (throttled): ${(error as Error).message}`);
        return false;
      }
    }));
    if (complete) { return; }
    // Everything but the manifest is there. When skopeo puts it is out of our hands, so that now and then several come at once.
    run.putImages.pause();
    await this.put(found);
  }

  private put({ digest, source, shape, tag }: Found): Promise<void> {
    return retrying(this.name(digest), this.run, async () => {
      await this.run.putImages.take(1);
      await this.run.target.put(this.place.repository, { ...source, contentType: shape.mediaType }, digest, tag);
    });
  }

  private name(digest: string): string {
    return `${this.place.repository}@${digest}`;
  }
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
