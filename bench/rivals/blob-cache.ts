import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Where skopeo, as root, remembers in which repositories it saw which blob; it then looks for them there. No option
 * moves it. Newer versions keep it in SQLite, older ones in BoltDB. A build's machine has none, so that every run here
 * starts without, and the files that the machine had before are put back at the end. (Other users have them in their
 * home, which is a new one for each run.)
 *
 * @see https://github.com/containers/image/blob/main/pkg/blobinfocache/default.go
 */
const DIRECTORY = '/var/lib/containers/cache';
const NAMES = [
  'blob-info-cache-v1.boltdb',
  'blob-info-cache-v1.sqlite',
  'blob-info-cache-v1.sqlite-wal',
  'blob-info-cache-v1.sqlite-shm',
];

const savedAs = (path: string): string => `${path}.before-bench`;

/** The caches of one machine. @param directory where they lie @param root whether skopeo would use them */
export class BlobCaches {
  private readonly paths: readonly string[];

  constructor(directory = DIRECTORY, root = process.geteuid?.() === 0) {
    this.paths = root ? NAMES.map(name => join(directory, name)) : [];
  }

  public save(): void {
    for (const path of this.paths) {
      if (existsSync(path) && !existsSync(savedAs(path))) { renameSync(path, savedAs(path)); }
    }
  }

  public forget(): void {
    this.paths.forEach(path => rmSync(path, { force: true }));
  }

  public restore(): void {
    this.forget();
    this.paths.filter(path => existsSync(savedAs(path))).forEach(path => renameSync(savedAs(path), path));
  }
}

export const blobCaches = new BlobCaches();
