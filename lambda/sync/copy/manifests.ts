import { ReferencedImagesNotFoundException } from '@aws-sdk/client-ecr';
import { DirectEngine } from './direct-engine';
import type { Engine, FetchedManifest } from './engine';
import { orElse } from './fallback';
import { CopyTarget, ManifestWriter } from './manifest-writer';
import { tagImage } from './put';
import { fetchManifest } from './read';
import type { CopyRun } from './run';
import { SkopeoEngine } from './skopeo-engine';
import { CopyEngine } from '../../../src/contract/copy-engine';
import { messageOf } from '../../shared/errors';
import { causeOf } from '../resilience/causes';

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

/**
 * A child of an index could not be copied, so that the index can't be put. An image without its
 * attestation is not mirrored either.
 */
export class ChildFailed extends Error {
  public override readonly name = 'ChildFailed';

  constructor(digest: string, cause: unknown) {
    super(`child ${digest}: ${messageOf(cause)}`, { cause });
  }
}

/** What has to happen next to a manifest that can't be copied at once. */
type Step = Copied | { readonly index: FetchedManifest } | { readonly waitFor: readonly Promise<unknown>[] };

/**
 * Copies manifests into one repository: each of them once, and each blob once.
 *
 * A manifest is put after everything that it refers to: its blobs, the children of an index, the manifest that it is
 * about. The bytes of a manifest are put unchanged, so that digests stay the same, and at a pace that ECR accepts.
 */
export class ManifestCopier {
  private readonly underWay = new Map<string, Promise<Copied>>();
  private readonly present: Set<string>;
  private readonly writer: ManifestWriter;
  private readonly engines: Readonly<Record<CopyEngine, Engine>>;

  /**
   * @param present digests that the repository has
   * @param mayHaveBlobs false for a repository that was created a moment ago: it is not asked for blobs
   */
  constructor(
    private readonly target: CopyTarget,
    present: Iterable<string>,
    mayHaveBlobs: boolean,
    private readonly run: CopyRun,
  ) {
    this.present = new Set(present);
    this.writer = new ManifestWriter(run, target);
    this.engines = {
      [CopyEngine.DIRECT]: new DirectEngine(run, target, this.writer, mayHaveBlobs),
      [CopyEngine.SKOPEO]: new SkopeoEngine(run, target, this.writer),
    };
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
    Object.values(this.engines).forEach(engine => engine.distrustInventory());
  }

  private begin(digest: string, tag?: string): Promise<Copied> {
    const work = this.move(digest, tag);
    this.underWay.set(digest, work);
    return work;
  }

  private async move(digest: string, tag: string | undefined): Promise<Copied> {
    const waited = new Set<unknown>();
    for (;;) {
      const step = await this.run.manifests(() => this.step(digest, tag, waited));
      if ('waitFor' in step) {
        // Outside of the limit: a manifest that waits takes no place from one that can go on.
        await Promise.allSettled(step.waitFor);
        step.waitFor.forEach(work => waited.add(work));
        continue;
      }
      const copied = 'index' in step ? await this.index(step.index, step.index.parsed.children ?? []) : step;
      this.present.add(digest);
      return copied;
    }
  }

  private async step(digest: string, tag: string | undefined, waited: ReadonlySet<unknown>): Promise<Step> {
    const { run, target } = this;
    const fetched = await fetchManifest(run, target, digest, tag);
    if (fetched.parsed.children !== undefined) { return { index: fetched }; }
    const chosen = this.engines[await run.engine()];
    const subject = fetched.parsed.subject === undefined ? undefined : this.underWay.get(fetched.parsed.subject);
    const waitFor = [...chosen.sharing(fetched), ...(subject === undefined ? [] : [subject])]
      .filter(work => !waited.has(work));
    return waitFor.length > 0 ? { waitFor } : this.manifest(fetched, chosen);
  }

  private async index(fetched: FetchedManifest, children: readonly string[]): Promise<Copied> {
    const copied = await this.children(fetched, children);
    const artifact = fetched.parsed.artifact || areArtifacts(children, copied);
    await refusable(artifact, async () => {
      try {
        await this.writer.put(fetched);
      } catch (error) {
        if (!(error instanceof ReferencedImagesNotFoundException)) { throw error; }
        this.distrustInventory();
        await this.children(fetched, children);
        await this.writer.put(fetched);
      }
    });
    return { bytes: copied.reduce((sum, child) => sum + child.bytes, 0), artifact };
  }

  /**
   * Copies the children that the repository lacks. All of them come to an end before a failure is thrown.
   *
   * @throws ArtifactRefused when ECR refuses a child of an index that is an artifact itself;
   * ChildFailed for any other failure
   */
  private async children({ parsed }: FetchedManifest, digests: readonly string[]): Promise<Copied[]> {
    const missing = digests.filter(digest => !this.present.has(digest));
    const settled = await Promise.allSettled(missing.map(digest => this.underWay.get(digest) ?? this.begin(digest)));
    const copied = settled.map(result => result.status === 'fulfilled'
      ? result.value
      : { bytes: 0, artifact: isRefusal(result.reason) });
    const failures = settled.flatMap((result, at) => result.status === 'rejected'
      ? new ChildFailed(missing[at], result.reason)
      : []);
    if (failures.length === 0) { return copied; }
    const [failure] = [...failures.filter(({ cause }) => !isRefusal(cause)), ...failures];
    throw isRefusal(failure.cause) && (parsed.artifact || areArtifacts(digests, copied)) ? failure.cause : failure;
  }

  private async manifest(fetched: FetchedManifest, chosen: Engine): Promise<Copied> {
    const { artifact } = fetched.parsed;
    const other = this.engines[chosen.name === CopyEngine.SKOPEO ? CopyEngine.DIRECT : CopyEngine.SKOPEO];
    let bytes = 0;
    await refusable(artifact, async () => {
      bytes = await orElse(
        this.run, `${this.target.repository}@${fetched.digest}`,
        () => chosen.copy(fetched),
        { name: other.name, work: () => other.copy(fetched) });
    });
    return { bytes, artifact };
  }
}

/** An index of artifacts alone is one itself. Children that were there before are images, for all that is known. */
function areArtifacts(children: readonly string[], copied: readonly Copied[]): boolean {
  return copied.length > 0 && copied.length === children.length && copied.every(({ artifact }) => artifact);
}

function isRefusal(error: unknown): boolean {
  return error instanceof ArtifactRefused;
}

/** @throws ArtifactRefused when ECR does not accept an artifact */
async function refusable(artifact: boolean, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw artifact && causeOf(error) === 'unsupported'
      ? new ArtifactRefused(messageOf(error), { cause: error })
      : error;
  }
}
