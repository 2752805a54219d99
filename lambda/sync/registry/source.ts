import type { IncomingMessage } from 'node:http';
import type { Registry } from './client';
import { DigestMismatch, RangeIgnored } from './errors';
import type { Descriptor } from './manifest';
import { digestOf } from './verified-stream';

/** A manifest as the registry keeps it. */
export interface SourceManifest {
  readonly bytes: Buffer;
  readonly contentType: string;
}

/** Reads from the registry that is mirrored. */
export interface SourceRegistry {
  manifest(repository: string, digest: string, signal?: AbortSignal): Promise<SourceManifest>;
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
      const response = await registry.send(repository, { at: `manifests/${digest}`, headers: { accept: MANIFESTS }, signal });
      const bytes = await registry.requireStatus(response, what, 200);
      const received = digestOf(bytes, digest);
      if (received !== digest) { throw new DigestMismatch(`${registry.host} sent ${received} for ${what}: does not match expected digest`); }
      return { bytes, contentType: response.headers['content-type'] ?? '' };
    },
    async blob(repository, { digest }, offset, signal) {
      const range = offset > 0 ? { range: `bytes=${offset}-` } : undefined;
      const response = await registry.send(repository, { at: `blobs/${digest}`, headers: range, signal });
      const what = `blob ${digest} of ${repository}${range ? ` from byte ${offset}` : ''}`;
      if (range !== undefined && response.statusCode === 200) {
        response.destroy();
        throw new RangeIgnored(`${registry.host} answered 200 to ${what}: it knows no ranges, so the download begins anew.`);
      }
      if (response.statusCode !== (range === undefined ? 200 : 206)) { await registry.requireStatus(response, what); }
      return response;
    },
  };
}
