import pLimit from 'p-limit';
import type { RegistryClient } from '../../sandbox/registry/client';
import { packageNames } from '../inputs';

/** The expected content: the first packages, below a prefix. */
export interface Mirrored {
  readonly prefix: string;
  readonly packages: number;
}

export interface Verified {
  /** Tags. */
  readonly compared: number;
  /** The differences, one on each line. */
  readonly different: readonly string[];
}

export interface ExpectedTag {
  readonly package: string;
  readonly tag: string;
  readonly digest: string;
}

/**
 * Compares every tag's digest, hashed from the bytes that the registry hands out, and
 * looks for the children of indexes.
 */
export async function compareDigests(
  client: RegistryClient,
  expected: readonly ExpectedTag[],
  { prefix, packages }: Mirrored,
): Promise<Verified> {
  const wanted = new Set(packageNames({ packages }));
  const tags = expected.filter(tag => wanted.has(tag.package));
  const limit = pLimit(8);
  const different = await Promise.all(
    tags.map(tag => limit(() => differences(client, `${prefix}/${tag.package}`, tag))),
  );
  return { compared: tags.length, different: different.flat() };
}

async function differences(
  client: RegistryClient,
  repository: string,
  { tag, digest }: ExpectedTag,
): Promise<string[]> {
  const received = await client.getManifest(repository, tag);
  if (received?.digest !== digest) {
    return [`${repository}:${tag} is ${received?.digest ?? 'missing'}, expected ${digest}`];
  }
  const children = await Promise.all(childrenOf(received.bytes).map(async child =>
    await client.manifestDigest(repository, child) === child
      ? []
      : [`${repository}@${child}, a child of ${tag}, is missing`]));
  return children.flat();
}

/** Digests that an index lists; none for an image. */
function childrenOf(manifest: Buffer): string[] {
  const { manifests = [] } = JSON.parse(manifest.toString('utf8')) as { manifests?: { digest: string }[] };
  return manifests.map(({ digest }) => digest);
}
