import { InvalidManifest } from './errors';
import { messageOf } from '../../shared/errors';
import { isObject } from '../../shared/is-object';

/** A blob as a manifest refers to it: OCI's descriptor. */
export interface Descriptor {
  readonly digest: string;
  readonly size: number;
}

/** The part of a manifest that the sync uses. */
export interface ParsedManifest {
  readonly mediaType: string;
  /** Digests that an index lists, each once; undefined for a manifest that is no index. */
  readonly children: readonly string[] | undefined;
  /** Config and layers that have to be there before the manifest is put. An index has none of its own. */
  readonly blobs: readonly Descriptor[];
  /** Whether it is something else than an image: a signature, an attestation, a chart. An index is one when all its children are. */
  readonly artifact: boolean;
}

const INDEXES = ['application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json'];

const IMAGE_CONFIGS = ['application/vnd.oci.image.config.v1+json', 'application/vnd.docker.container.image.v1+json'];

/** Media types of image layers. Cosign and buildx give signatures and attestations the config of an image: only the layers tell. */
const IMAGE_LAYER = /^application\/vnd\.(oci\.image\.layer\.|docker\.image\.rootfs\.)/;

/** @throws InvalidManifest */
export function parseManifest(bytes: Uint8Array, contentType: string): ParsedManifest {
  const document = parseObject(bytes);
  const mediaType = document.mediaType ?? contentType.split(';')[0].trim();
  const listed = INDEXES.includes(mediaType) || Array.isArray(document.manifests) ? document.manifests ?? [] : undefined;
  const layers = document.layers ?? [];
  const image = listed !== undefined
    || (IMAGE_CONFIGS.includes(document.config?.mediaType ?? '') && layers.every(layer => IMAGE_LAYER.test(layer.mediaType ?? '')));
  return {
    mediaType,
    children: listed && [...new Set(listed.flatMap(({ digest }) => digest ?? []))],
    blobs: [document.config, ...layers].flatMap(descriptor => blobOf(descriptor) ?? []),
    artifact: document.artifactType !== undefined || document.subject !== undefined || !image,
  };
}

function parseObject(bytes: Uint8Array): Partial<RawManifest> {
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw new InvalidManifest(`manifest invalid: not JSON: ${messageOf(error)}`, { cause: error });
  }
  if (!isObject(document)) { throw new InvalidManifest('manifest invalid: not a JSON object'); }
  return document as Partial<RawManifest>;
}

/** A foreign layer is left out: it is fetched from its `urls`, and no registry holds it. */
function blobOf(descriptor: RawDescriptor | undefined): Descriptor | undefined {
  if (descriptor?.digest === undefined || (descriptor.urls?.length ?? 0) > 0) { return undefined; }
  return { digest: descriptor.digest, size: descriptor.size ?? 0 };
}

interface RawDescriptor { readonly mediaType?: string; readonly digest?: string; readonly size?: number; readonly urls?: readonly string[] }

interface RawManifest {
  readonly mediaType: string;
  readonly artifactType: string;
  readonly config: RawDescriptor;
  readonly layers: readonly RawDescriptor[];
  readonly manifests: readonly RawDescriptor[];
  readonly subject: RawDescriptor;
}
