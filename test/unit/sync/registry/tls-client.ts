import { blobMover } from '../../../../lambda/sync/copy/blobs';
import { Registry } from '../../../../lambda/sync/registry/client';
import { Connections } from '../../../../lambda/sync/registry/connections';
import { parseManifest } from '../../../../lambda/sync/registry/manifest';
import { sourceRegistry } from '../../../../lambda/sync/registry/source';
import { targetBlobs } from '../../../../lambda/sync/registry/target';

/**
 * Moves the blobs of a manifest from one repository of a registry to another. Node reads its certificate authorities
 * when it starts, so this is a process.
 */
async function main([host, from, digest, to]: readonly string[]): Promise<void> {
  const connections = new Connections();
  const registry = (basic: boolean): Registry =>
    new Registry({ connections, basic, login: () => ({ host, user: 'AWS', password: 'any' }) });
  const source = sourceRegistry(registry(false));
  const mover = blobMover(source, targetBlobs(registry(true)), () => undefined);
  const { bytes, contentType } = await source.manifest(from, digest);
  for (const blob of parseManifest(bytes, contentType).blobs) {
    const moved = await mover.move({ blob, from, to, mayBePresent: true }, new AbortController().signal);
    process.stdout.write(`${blob.digest} ${moved}\n`);
  }
  connections.close();
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
