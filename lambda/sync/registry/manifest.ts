/** A blob as a manifest names it. */
export interface Content {
  readonly digest: string;
  readonly size: number;
}

/** What the sync needs to know about a manifest before it copies it. */
export interface ManifestShape {
  readonly mediaType: string;
  /** Digests that an index lists, each once; undefined for a manifest that is no index. */
  readonly children: readonly string[] | undefined;
  /** Config and layers that are copied with it; those of an index are its children's. */
  readonly contents: readonly Content[];
  /** Something else than an image: a signature, an attestation, a chart. An index is one when its children are. */
  readonly artifact: boolean;
}

const INDEXES = ['application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json'];

const IMAGE_CONFIGS = ['application/vnd.oci.image.config.v1+json', 'application/vnd.docker.container.image.v1+json'];

/** Cosign and buildx give their signatures and attestations the config of an image: the layers tell. */
const IMAGE_LAYER = /^application\/vnd\.(oci\.image\.layer\.|docker\.image\.rootfs\.)/;

/** @throws when the bytes are no manifest */
export function parseManifest(bytes: Uint8Array, contentType: string): ManifestShape {
  const document = parseObject(bytes);
  const mediaType = document.mediaType ?? contentType.split(';')[0].trim();
  const listed = INDEXES.includes(mediaType) || Array.isArray(document.manifests) ? document.manifests ?? [] : undefined;
  const layers = document.layers ?? [];
  const image = listed !== undefined
    || (IMAGE_CONFIGS.includes(document.config?.mediaType ?? '') && layers.every(layer => IMAGE_LAYER.test(layer.mediaType ?? '')));
  return {
    mediaType,
    children: listed && [...new Set(listed.flatMap(({ digest }) => digest ?? []))],
    contents: [document.config, ...layers].flatMap(content => contentOf(content) ?? []),
    artifact: document.artifactType !== undefined || document.subject !== undefined || !image,
  };
}

function parseObject(bytes: Uint8Array): Partial<RawManifest> {
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw new Error(`manifest invalid: not JSON: ${String(error)}`);
  }
  if (typeof document !== 'object' || document === null) { throw new Error('manifest invalid: not a JSON object'); }
  return document as Partial<RawManifest>;
}

/** A foreign layer stays where its `urls` say, and no registry holds it. */
function contentOf(content: Descriptor | undefined): Content | undefined {
  return content?.digest === undefined || (content.urls?.length ?? 0) > 0 ? undefined : { digest: content.digest, size: content.size ?? 0 };
}

interface Descriptor { readonly mediaType?: string; readonly digest?: string; readonly size?: number; readonly urls?: readonly string[] }

interface RawManifest {
  readonly mediaType: string;
  readonly artifactType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly manifests: readonly Descriptor[];
  readonly subject: Descriptor;
}
