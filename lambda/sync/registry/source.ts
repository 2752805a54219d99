import type { IncomingMessage } from 'node:http';
import type { Registry } from './client';
import { DigestMismatch, RangeIgnored } from './errors';
import type { Descriptor } from './manifest';
import { digestOf } from './verified-stream';
import { isDigest } from '../../../src/image-name';

/** A manifest as the registry keeps it. */
export interface SourceManifest {
  readonly bytes: Buffer;
  readonly contentType: string;
}

/** Reads from the registry that is mirrored. */
export interface SourceRegistry {
  manifest(repository: string, digest: string, signal?: AbortSignal): Promise<SourceManifest>;
  /** Digest that a tag points to now; undefined when the registry has no such tag. */
  tagDigest(repository: string, tag: string, signal?: AbortSignal): Promise<string | undefined>;
  /** Whether this repository has the blob. Another repository of the registry doesn't count. */
  hasBlob(repository: string, digest: string, signal?: AbortSignal): Promise<boolean>;
  /** @param offset first byte to read; the bytes before it are left out */
  blob(repository: string, blob: Descriptor, offset: number, signal?: AbortSignal): Promise<IncomingMessage>;
}

const MANIFESTS = [
  'application/vnd.oci.image.index.v1+json', 'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json', 'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

export function sourceRegistry(registry: Registry): SourceRegistry {
  return {
    async manifest(repository, digest, signal) {
      const what = `${repository}@${digest}`;
      const response = await registry.send(
        repository,
        { at: `manifests/${digest}`, headers: { accept: MANIFESTS }, signal },
      );
      const bytes = await registry.requireStatus(response, what, 200);
      const received = digestOf(bytes, digest);
      if (received !== digest) {
        throw new DigestMismatch(`${registry.host} sent ${received} for ${what}: does not match expected digest`);
      }
      return { bytes, contentType: response.headers['content-type'] ?? '' };
    },
    async tagDigest(repository, tag, signal) {
      const what = `the question where ${repository}:${tag} points to`;
      const request = { at: `manifests/${tag}`, headers: { accept: MANIFESTS }, signal };
      const head = await registry.send(repository, { ...request, method: 'HEAD' });
      await registry.requireStatus(head, what, 200, 404);
      if (head.statusCode === 404) { return undefined; }
      const digest = String(head.headers['docker-content-digest'] ?? '');
      if (isDigest(digest)) { return digest; }
      // The header is a SHOULD in the distribution specification: without it, the bytes tell.
      return digestOf(await registry.requireStatus(await registry.send(repository, request), what, 200), 'sha256:');
    },
    async hasBlob(repository, digest, signal) {
      const response = await registry.send(repository, { method: 'HEAD', at: `blobs/${digest}`, signal });
      // A redirect leads to the storage behind the registry, and is given for a blob of the repository alone.
      await registry.requireStatus(
        response,
        `the question for blob ${digest} of ${repository}`,
        200,
        302,
        307,
        308,
        404,
      );
      return response.statusCode !== 404;
    },
    async blob(repository, { digest }, offset, signal) {
      const range = offset > 0 ? { range: `bytes=${offset}-` } : undefined;
      const response = await registry.send(repository, { at: `blobs/${digest}`, headers: range, signal });
      const what = `blob ${digest} of ${repository}${range ? ` from byte ${offset}` : ''}`;
      if (range !== undefined && response.statusCode === 200) {
        response.destroy();
        throw new RangeIgnored(`${registry.host} answered 200 to ${what}: it knows no ranges, `
          + 'so the download begins anew.');
      }
      if (response.statusCode !== (range === undefined ? 200 : 206)) { await registry.requireStatus(response, what); }
      return response;
    },
  };
}
