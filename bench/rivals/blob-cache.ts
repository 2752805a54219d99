import { existsSync, renameSync, rmSync } from 'node:fs';

/**
 * Where skopeo, as root, remembers in which repositories it saw which blob; it then looks for them there. No option moves it. A build's
 * machine has none, so that every run here starts without, and what the machine had before is put back at the end. (Other users have
 * it in their home, which is a new one for each run.)
 *
 * @see https://github.com/containers/image/blob/main/pkg/blobinfocache/default.go
 */
const CACHE = '/var/lib/containers/cache/blob-info-cache-v1.boltdb';
const SAVED = `${CACHE}.before-bench`;

export function saveBlobCache(): void {
  if (isRoot() && existsSync(CACHE) && !existsSync(SAVED)) { renameSync(CACHE, SAVED); }
}

export function forgetBlobs(): void {
  if (isRoot()) { rmSync(CACHE, { force: true }); }
}

export function restoreBlobCache(): void {
  if (!isRoot()) { return; }
  forgetBlobs();
  if (existsSync(SAVED)) { renameSync(SAVED, CACHE); }
}

function isRoot(): boolean {
  return process.geteuid?.() === 0;
}
