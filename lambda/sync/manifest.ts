/** What the sync needs to know about a manifest before it copies it. */
export interface ManifestShape {
  readonly mediaType: string;
  /** Digests that an index lists. */
  readonly children: readonly string[];
  /**
   * An index that skopeo refuses to keep as it is: one of its entries has no platform, as in the referrers fallback index
   * `sha256-<hex>`.
   */
  readonly opaqueIndex: boolean;
  /** Something else than an image: a signature, an attestation, a chart. */
  readonly artifact: boolean;
  /** Bytes of config and layers; those of an index are its children's. */
  readonly bytes: number;
}

const IMAGE_CONFIGS = ['application/vnd.oci.image.config.v1+json', 'application/vnd.docker.container.image.v1+json'];

const INDEXES = ['application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json'];

/** @throws when the bytes are no manifest */
export function parseManifest(bytes: Uint8Array, contentType: string): ManifestShape {
  const document = JSON.parse(Buffer.from(bytes).toString('utf8')) as Partial<RawManifest> | null;
  if (typeof document !== 'object' || document === null) { throw new Error('manifest invalid: not a JSON object'); }
  const mediaType = document.mediaType ?? contentType.split(';')[0].trim();
  const listed = INDEXES.includes(mediaType) || Array.isArray(document.manifests) ? document.manifests ?? [] : undefined;
  const contents = [document.config, ...document.layers ?? []];
  return {
    mediaType,
    children: (listed ?? []).flatMap(({ digest }) => digest ?? []),
    opaqueIndex: listed !== undefined && listed.some(({ platform }) => platform === undefined),
    artifact: document.artifactType !== undefined || document.subject !== undefined
      || (listed === undefined && !IMAGE_CONFIGS.includes(document.config?.mediaType ?? '')),
    bytes: contents.reduce((sum, content) => sum + (content?.size ?? 0), 0),
  };
}

interface Descriptor { readonly mediaType?: string; readonly digest?: string; readonly size?: number; readonly platform?: object }

interface RawManifest {
  readonly mediaType: string;
  readonly artifactType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly manifests: readonly Descriptor[];
  readonly subject: Descriptor;
}
