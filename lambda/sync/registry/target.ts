import type { IncomingMessage } from 'node:http';
import type { Registry } from './client';
import type { Descriptor } from './manifest';

export const MOUNTED = 'mounted';

/** Writes blobs to the registry that is the mirror. */
export interface TargetBlobs {
  has(repository: string, digest: string, signal?: AbortSignal): Promise<boolean>;
  /**
   * Links a blob of another repository into this one, so that its bytes need not be sent.
   *
   * @returns the address to upload the bytes to, if the registry does not mount the blob
   * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#mounting-a-blob-from-another-repository
   */
  mount(repository: string, digest: string, from: string, signal?: AbortSignal): Promise<URL | typeof MOUNTED>;
  /** Starts an upload and returns the address that takes its bytes. */
  start(repository: string, signal?: AbortSignal): Promise<URL>;
  upload(
    repository: string,
    blob: Descriptor,
    to: URL,
    bytes: AsyncIterable<Buffer>,
    signal?: AbortSignal,
  ): Promise<void>;
}

/**
 * An upload is a POST and a PUT that carries all bytes, as containerd does it, and so BuildKit and
 * nerdctl when they push to ECR.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#post-then-put
 * @see https://github.com/containerd/containerd/blob/main/core/remotes/docker/pusher.go
 */
export function targetBlobs(registry: Registry): TargetBlobs {
  return {
    async has(repository, digest, signal) {
      const response = await registry.send(repository, { method: 'HEAD', at: `blobs/${digest}`, signal });
      await registry.requireStatus(response, `the question for blob ${digest} in ${repository}`, 200, 404);
      return response.statusCode === 200;
    },
    async mount(repository, digest, from, signal) {
      const query = String(new URLSearchParams({ mount: digest, from }));
      const response = await registry.send(
        repository,
        { method: 'POST', at: `blobs/uploads/?${query}`, headers: NO_BODY, signal },
      );
      await registry.requireStatus(response, `the mount of blob ${digest} of ${from} in ${repository}`, 201, 202);
      return response.statusCode === 201 ? MOUNTED : locationOf(response, registry, repository);
    },
    async start(repository, signal) {
      const response = await registry.send(
        repository,
        { method: 'POST', at: 'blobs/uploads/', headers: NO_BODY, signal },
      );
      await registry.requireStatus(response, `the start of an upload to ${repository}`, 202);
      return locationOf(response, registry, repository);
    },
    async upload(repository, { digest, size }, to, bytes, signal) {
      const at = new URL(to);
      at.searchParams.set('digest', digest);
      const headers = { 'content-type': 'application/octet-stream', 'content-length': size };
      const response = await registry.send(repository, { method: 'PUT', at, headers, body: bytes, signal });
      // The specification says 201; some registries answer with one of the others.
      await registry.requireStatus(response, `the upload of blob ${digest} to ${repository}`, 201, 200, 202, 204);
    },
  };
}

const NO_BODY = { 'content-length': 0 };

function locationOf({ headers: { location = '' } }: IncomingMessage, registry: Registry, repository: string): URL {
  const base = `${registry.origin}/v2/${repository}/blobs/uploads/`;
  if (location === '' || !URL.canParse(location, base)) {
    throw new Error(`${registry.host} gave "${location}" as the address of an upload to `
      + `${repository}, expected a URL.`);
  }
  return new URL(location, base);
}
