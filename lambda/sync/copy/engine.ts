import type { CopyEngine } from '../../../src/contract/copy-engine';
import type { ParsedManifest } from '../registry/manifest';
import type { SourceManifest } from '../registry/source';

/** A manifest that was read from the source registry. */
export interface FetchedManifest {
  readonly digest: string;
  readonly source: SourceManifest;
  readonly parsed: ParsedManifest;
  /** Tag to put it under; without one, it is put by its digest alone. */
  readonly tag: string | undefined;
}

/** Copies manifests that are no index, with their blobs, into one repository. */
export interface Engine {
  readonly name: CopyEngine;
  /**
   * Copies the manifest's blobs, then puts it under its tag.
   *
   * @returns number of bytes moved
   */
  copy(manifest: FetchedManifest): Promise<number>;
  /** Copies under way that move a blob of this manifest: one that waits for them moves no blob twice. */
  sharing(manifest: FetchedManifest): readonly Promise<unknown>[];
  /** Forgets which blobs the repository has: they were deleted or archived since. */
  distrustInventory(): void;
}
