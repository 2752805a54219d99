import { mkdirSync, writeFileSync } from 'node:fs';
import pLimit from 'p-limit';
import type { CoreContext } from '../../sandbox/aws/core/context';
import type { GitHub } from '../../sandbox/github';
import type { Manifest } from '../../sandbox/registry/images';
import { withDescendants } from '../../sandbox/registry/images';
import { Store } from '../../sandbox/registry/store';
import { generate, InputImage, InputShape } from '../inputs';

/** Bytes of every blob, by digest. */
export type BlobSizes = Map<string, number>;

/** Puts the input straight into a registry's store: a push over HTTP takes minutes for thousands of images. */
export class Seeder {
  public readonly sizes: BlobSizes = new Map();
  private readonly store: Store;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.store = new Store(directory);
  }

  /** Stores what a push would leave behind: blobs, children, and the top manifest under its tags. */
  public putImage(repository: string, { manifest, tags }: InputImage): void {
    this.putBlobs(repository, manifest);
    for (const part of withDescendants(manifest)) { this.store.putManifest(repository, part.digest, part); }
    tags.forEach(tag => this.store.putTag(repository, tag, manifest.digest));
  }

  /** Blobs alone. */
  public putBlobs(repository: string, manifest: Manifest): void {
    for (const { digest, bytes } of withDescendants(manifest).flatMap(({ blobs }) => blobs)) {
      this.sizes.set(digest, bytes.length);
      if (this.store.blob(repository, digest)) { continue; }
      const path = this.store.incomingPath();
      writeFileSync(path, bytes);
      this.store.adoptBlob(repository, digest, path);
    }
  }
}

/** Fills GHCR and tells GitHub, whose packages list children as untagged versions. */
export function publishAll(shape: InputShape, namespace: string, seeder: Seeder, github: GitHub): void {
  for (const input of generate(shape)) { publishOne(input, namespace, seeder, github); }
}

export function publishOne(input: InputImage, namespace: string, seeder: Seeder, github: GitHub): void {
  seeder.putImage(`${namespace}/${input.package}`, input);
  const children = withDescendants(input.manifest).filter(part => part !== input.manifest);
  const untagged = children.map(({ digest }) => ({ name: digest }));
  github.addPackage(input.package, { versions: [...untagged, { name: input.manifest.digest, tags: input.tags }] });
}

/** Fills ECR through its control plane, so that it knows what it has. */
export async function mirrorAll(
  shape: InputShape,
  prefix: string,
  seeder: Seeder,
  context: CoreContext,
): Promise<void> {
  const limit = pLimit(16);
  const call = async (operation: string, input: Record<string, unknown>): Promise<object> =>
    context.call(context.administrator, 'ecr', operation, input);
  const put = async (repositoryName: string, part: Manifest, tag?: string): Promise<void> => {
    const imageTag = tag === undefined ? {} : { imageTag: tag };
    await call('PutImage', {
      repositoryName,
      imageManifest: part.bytes.toString('utf8'),
      imageManifestMediaType: part.mediaType,
      ...imageTag,
    });
  };
  const made = new Set<string>();
  const pending = new Set<Promise<void>>();
  for (const { package: name, manifest, tags } of generate(shape)) {
    const repositoryName = `${prefix}/${name}`;
    if (!made.has(repositoryName)) { await call('CreateRepository', { repositoryName }); }
    made.add(repositoryName);
    seeder.putBlobs(repositoryName, manifest);
    const done = limit(async () => {
      for (const part of withDescendants(manifest)) {
        if (part !== manifest) { await put(repositoryName, part); }
      }
      for (const tag of tags) { await put(repositoryName, manifest, tag); }
    });
    pending.add(done);
    void done.finally(() => pending.delete(done));
    if (pending.size >= 32) { await Promise.race(pending); }
  }
  await Promise.all(pending);
}
