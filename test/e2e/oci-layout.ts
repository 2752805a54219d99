import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { descriptor, Manifest, withDescendants } from '../../sandbox/registry/images';

/**
 * Writes an image as an OCI layout, which skopeo reads as `oci:DIRECTORY:TAG`.
 *
 * @see https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 */
export function writeOciLayout(directory: string, image: Manifest, tag: string): void {
  const write = (path: string, content: Buffer | string): void => {
    const file = join(directory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  };
  for (const part of withDescendants(image)) {
    for (const { digest, bytes } of [part, ...part.blobs]) { write(`blobs/${digest.replace(':', '/')}`, bytes); }
  }
  write('oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  write('index.json', JSON.stringify({
    schemaVersion: 2,
    manifests: [{ ...descriptor(image), annotations: { 'org.opencontainers.image.ref.name': tag } }],
  }));
}
