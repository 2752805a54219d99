import { IncomingMessage } from 'node:http';
import { ociError, RegistryAnswer } from './answer';
import { digestAlgorithm, digestOf } from './digest';
import { ManifestContent, readManifest } from './manifest-content';
import { isTag } from './route';
import type { Store } from './store';

/** As of the specification: "Registries should accept at least 4 megabytes". */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;

/** Manifests by tag and digest. */
export class Manifests {
  constructor(private readonly store: Store, private readonly referrersApi: boolean) {}

  public get(repository: string, reference: string): RegistryAnswer {
    const digest = this.resolve(repository, reference);
    const manifest = digest === undefined ? undefined : this.store.manifest(repository, digest);
    if (digest === undefined || !manifest) { return unknown(repository, reference); }
    return {
      status: 200,
      headers: { 'content-type': manifest.mediaType, 'docker-content-digest': digest, 'etag': `"${digest}"` },
      body: manifest.bytes,
    };
  }

  public async put(repository: string, reference: string, request: IncomingMessage): Promise<RegistryAnswer> {
    const bytes = await readManifestBody(request);
    if (!bytes) { return ociError(413, 'MANIFEST_INVALID', `manifest is larger than ${MAX_MANIFEST_BYTES} bytes`); }
    const algorithm = digestAlgorithm(reference);
    if (algorithm === undefined && !isTag(reference)) {
      return ociError(400, 'MANIFEST_INVALID', `"${reference}" is neither a tag nor a digest`);
    }
    const digest = digestOf(bytes, algorithm);
    if (algorithm !== undefined && digest !== reference) {
      return ociError(400, 'DIGEST_INVALID', `the manifest's bytes have ${digest}, the request names ${reference}`);
    }
    const mediaType = request.headers['content-type'] ?? '';
    const content = readManifest(bytes);
    const refusal = this.refuse(repository, mediaType, content);
    if (refusal) { return refusal; }
    const subject = content?.subject;
    this.store.putManifest(repository, digest, { mediaType, bytes }, subject);
    if (algorithm === undefined) { this.store.putTag(repository, reference, digest); }
    return {
      status: 201,
      headers: {
        'location': `/v2/${repository}/manifests/${digest}`,
        'docker-content-digest': digest,
        ...(subject !== undefined && this.referrersApi ? { 'oci-subject': subject } : {}),
      },
    };
  }

  public delete(repository: string, reference: string): RegistryAnswer {
    if (isTag(reference)) {
      return this.store.deleteTag(repository, reference) ? { status: 202 } : unknown(repository, reference);
    }
    const manifest = digestAlgorithm(reference) && this.store.manifest(repository, reference);
    if (!manifest) { return unknown(repository, reference); }
    this.store.deleteManifest(repository, reference, readManifest(manifest.bytes)?.subject);
    return { status: 202 };
  }

  private resolve(repository: string, reference: string): string | undefined {
    if (digestAlgorithm(reference) !== undefined) { return reference; }
    return isTag(reference) ? this.store.tag(repository, reference) : undefined;
  }

  /** Checks of CNCF distribution: the declared type, and that what the manifest names is there. */
  private refuse(
    repository: string,
    mediaType: string,
    content: ManifestContent | undefined,
  ): RegistryAnswer | undefined {
    if (mediaType === '') {
      return ociError(
        400,
        'MANIFEST_INVALID',
        'the request has no Content-Type, which is the media type of the manifest',
      );
    }
    if (!content) {
      return KNOWN_JSON.test(mediaType)
        ? ociError(400, 'MANIFEST_INVALID', `the body isn't a JSON object, as ${mediaType} needs`)
        : undefined;
    }
    if (content.mediaType !== undefined && content.mediaType !== mediaType) {
      return ociError(
        400,
        'MANIFEST_INVALID',
        `Content-Type is ${mediaType}, the manifest's own mediaType is ${content.mediaType}`,
      );
    }
    // Distribution looks for an index's children among the blobs, too: a cache export of buildx lists layers there.
    const missing = content.blobs.find(digest => !this.holdsBlob(repository, digest))
      ?? content.children.find(digest => !this.holdsManifest(repository, digest)
        && !this.holdsBlob(repository, digest));
    return missing === undefined
      ? undefined
      : ociError(400, 'MANIFEST_BLOB_UNKNOWN', 'blob unknown to registry', {}, missing);
  }

  private holdsBlob(repository: string, digest: string): boolean {
    return digestAlgorithm(digest) !== undefined && this.store.blob(repository, digest) !== undefined;
  }

  private holdsManifest(repository: string, digest: string): boolean {
    return digestAlgorithm(digest) !== undefined && this.store.hasManifest(repository, digest);
  }
}

const KNOWN_JSON = /^application\/vnd\.(oci\.image|docker\.distribution)\..*json$/;

function unknown(repository: string, reference: string): RegistryAnswer {
  return ociError(404, 'MANIFEST_UNKNOWN', 'manifest unknown', {}, { repository, reference });
}

/** undefined when it is too large. */
export async function readManifestBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    // Read on: a client that still sends would see a reset instead of the answer.
    if (size <= MAX_MANIFEST_BYTES) { chunks.push(chunk as Buffer); }
  }
  return size <= MAX_MANIFEST_BYTES ? Buffer.concat(chunks) : undefined;
}
