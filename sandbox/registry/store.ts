import { randomUUID } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { errorCode } from './error-code';

export interface StoredManifest {
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/**
 * The content of a registry, on disk:
 *
 *     <repository>/_blobs/sha256-<hex>               content, hard-linked when mounted into another repository
 *     <repository>/_manifests/sha256-<hex>           media type, line feed, exact bytes
 *     <repository>/_tags/<tag>                       digest
 *     <repository>/_referrers/<subject>/<manifest>   empty
 *     _incoming/                                     unfinished files; they reach their place whole, by rename
 *
 * No component of a repository name starts with `_`, so nothing collides. Calls are synchronous: each is a few system
 * calls on cached pages, which costs less than a trip to the thread pool, and a request sees no half-made change of
 * another.
 */
export class Store {
  private readonly incoming: string;
  private readonly made = new Set<string>();

  constructor(private readonly directory: string) {
    this.incoming = this.folder('_incoming');
  }

  // ---------------------------------------------------------------------------------------------- blobs

  /** Path of a blob's file; undefined when this repository doesn't hold it. */
  public blob(repository: string, digest: string): { readonly path: string; readonly size: number } | undefined {
    const path = join(this.directory, repository, '_blobs', fileName(digest));
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats && { path, size: stats.size };
  }

  /** A file name for content that arrives. */
  public incomingPath(): string {
    return join(this.incoming, randomUUID());
  }

  /** Takes a file that has arrived. */
  public adoptBlob(repository: string, digest: string, path: string): void {
    renameSync(path, join(this.folder(repository, '_blobs'), fileName(digest)));
  }

  /** False when `from` doesn't hold the blob. */
  public mountBlob(repository: string, digest: string, from: string): boolean {
    const source = this.blob(from, digest);
    if (!source) { return false; }
    if (!this.blob(repository, digest)) {
      linkSync(source.path, join(this.folder(repository, '_blobs'), fileName(digest)));
    }
    return true;
  }

  public deleteBlob(repository: string, digest: string): boolean {
    return remove(join(this.directory, repository, '_blobs', fileName(digest)));
  }

  // ---------------------------------------------------------------------------------------------- manifests

  public manifest(repository: string, digest: string): StoredManifest | undefined {
    const file = readIfThere(join(this.directory, repository, '_manifests', fileName(digest)));
    if (!file) { return undefined; }
    const line = file.indexOf('\n');
    return { mediaType: file.toString('latin1', 0, line), bytes: file.subarray(line + 1) };
  }

  public hasManifest(repository: string, digest: string): boolean {
    return existsSync(join(this.directory, repository, '_manifests', fileName(digest)));
  }

  public putManifest(repository: string, digest: string, manifest: StoredManifest, subject?: string): void {
    const file = Buffer.concat([Buffer.from(`${manifest.mediaType}\n`, 'latin1'), manifest.bytes]);
    this.replace(join(this.folder(repository, '_manifests'), fileName(digest)), file);
    if (subject !== undefined) {
      writeFileSync(join(this.folder(repository, '_referrers', fileName(subject)), fileName(digest)), '');
    }
  }

  /** Removes the manifest and every tag that points to it. */
  public deleteManifest(repository: string, digest: string, subject?: string): void {
    for (const tag of this.tags(repository)) {
      if (this.tag(repository, tag) === digest) { this.deleteTag(repository, tag); }
    }
    if (subject !== undefined) {
      remove(join(this.directory, repository, '_referrers', fileName(subject), fileName(digest)));
    }
    remove(join(this.directory, repository, '_manifests', fileName(digest)));
  }

  /** Digests of the manifests whose subject is `digest`. */
  public referrers(repository: string, digest: string): string[] {
    return list(join(this.directory, repository, '_referrers', fileName(digest))).map(name => name.replace('-', ':'));
  }

  // --------------------------------------------------------------------------------------------- tags and repositories

  /** The digest that a tag points to. */
  public tag(repository: string, tag: string): string | undefined {
    return readIfThere(join(this.directory, repository, '_tags', tag))?.toString('latin1');
  }

  public putTag(repository: string, tag: string, digest: string): void {
    this.replace(join(this.folder(repository, '_tags'), tag), Buffer.from(digest, 'latin1'));
  }

  public deleteTag(repository: string, tag: string): boolean {
    return remove(join(this.directory, repository, '_tags', tag));
  }

  /** In lexical order. */
  public tags(repository: string): string[] {
    return list(join(this.directory, repository, '_tags'));
  }

  /** Whether a manifest was ever pushed there. */
  public hasRepository(repository: string): boolean {
    return existsSync(join(this.directory, repository, '_manifests'));
  }

  /** Names of all repositories, in lexical order. */
  public repositories(below = ''): string[] {
    const entries = list(join(this.directory, below));
    const deeper = entries.filter(entry => !entry.startsWith('_'))
      .flatMap(entry => this.repositories(below === '' ? entry : `${below}/${entry}`));
    return (entries.includes('_manifests') ? [below, ...deeper] : deeper).sort();
  }

  // ---------------------------------------------------------------------------------------------- files

  private folder(...names: string[]): string {
    const path = join(this.directory, ...names);
    if (!this.made.has(path)) {
      mkdirSync(path, { recursive: true });
      this.made.add(path);
    }
    return path;
  }

  /** A reader sees the old content or the new, never a part. */
  private replace(path: string, content: Buffer): void {
    const temporary = this.incomingPath();
    writeFileSync(temporary, content);
    renameSync(temporary, path);
  }
}

function fileName(digest: string): string {
  return digest.replace(':', '-');
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') { return undefined; }
    throw error;
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') { return []; }
    throw error;
  }
}

function remove(path: string): boolean {
  try {
    rmSync(path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') { return false; }
    throw error;
  }
}
