import { createCipheriv, createHash } from 'node:crypto';
import { storedGzip, storedZstd } from './compression';
import { digestOf } from './digest';
import { tar } from './tar';

export const OCI = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  layerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  layerForeign: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
  empty: 'application/vnd.oci.empty.v1+json',
} as const;

export const DOCKER = {
  index: 'application/vnd.docker.distribution.manifest.list.v2+json',
  manifest: 'application/vnd.docker.distribution.manifest.v2+json',
  config: 'application/vnd.docker.container.image.v1+json',
  layerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  layerForeign: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
} as const;

export interface Blob {
  readonly digest: string;
  readonly mediaType: string;
  readonly bytes: Buffer;
  /** Where a foreign layer is; such a layer isn't pushed. */
  readonly urls?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Platform { readonly os: string; readonly architecture: string; readonly variant?: string }

/** A manifest with everything below it. Nothing is in a registry yet: see `push`. */
export interface Manifest {
  readonly digest: string;
  readonly mediaType: string;
  /** Exactly what a registry has to hand out. */
  readonly bytes: Buffer;
  /** Config first, then layers. */
  readonly blobs: readonly Blob[];
  /** The manifests that an index lists, in its order. */
  readonly children: readonly Manifest[];
  /** How an index lists this one. */
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly artifactType?: string;
  /** Whether an index embeds this one's bytes in its entry. */
  readonly embedded?: boolean;
}

export interface Layer extends Blob {
  /** Digest of the uncompressed archive; a config lists it. */
  readonly diffId: string;
}

export interface LayerOptions {
  /** Equal seeds and sizes give equal layers: use one in two images to share it. @default 1 */
  readonly seed?: number | string;
  /** Random bytes in the layer's one file. 0 = a blob of no bytes at all. @default 256 */
  readonly layerBytes?: number;
  readonly zstd?: boolean;
  readonly docker?: boolean;
}

export interface ImageOptions extends LayerOptions {
  /** `os/architecture[/variant]`. @default linux/amd64 */
  readonly platform?: string;
  /** How many to make from the seed, or the layers themselves. @default 1 */
  readonly layers?: number | readonly Layer[];
  /** Runtime settings of the config: `Entrypoint`, `Cmd`, `Env`. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Bytes that only the seed decides, as fast as AES goes. */
export function seededBytes(seed: number | string, length: number): Buffer {
  const key = createHash('sha256').update(`images ${seed}`).digest().subarray(0, 16);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

/** A layer with one file of random bytes. */
export function layer(options: LayerOptions = {}): Layer {
  const { seed = 1, layerBytes = 256 } = options;
  const archive = layerBytes === 0 ? Buffer.alloc(0)
    : tar([{ path: `layer-${seed}`, kind: 'file', mode: 0o644, content: seededBytes(seed, layerBytes) }]);
  const bytes = layerBytes === 0 ? archive : options.zstd ? storedZstd(archive) : storedGzip(archive);
  const mediaType = options.zstd ? OCI.layerZstd : options.docker ? DOCKER.layerGzip : OCI.layerGzip;
  return { ...blob(mediaType, bytes), diffId: digestOf(archive) };
}

/** A layer that its manifest names and that no registry holds, as Windows base images had them. */
export function foreignLayer(options: LayerOptions = {}): Layer {
  const mediaType = options.docker ? DOCKER.layerForeign : OCI.layerForeign;
  return { ...layer(options), mediaType, urls: ['https://foreign.example.com/layer.tar.gz'] };
}

/** An image for one platform. */
export function image(options: ImageOptions = {}): Manifest {
  const { seed = 1, platform = 'linux/amd64', layers = 1 } = options;
  const made = typeof layers === 'number'
    ? Array.from({ length: layers }, (_, at) => layer({ ...options, seed: `${seed}-${at}` }))
    : layers;
  const types = options.docker ? DOCKER : OCI;
  const { os, architecture, variant } = parsePlatform(platform);
  const config = jsonBlob(types.config, {
    architecture,
    ...(variant === undefined ? {} : { variant }),
    os,
    created: '1970-01-01T00:00:00Z',
    config: options.config ?? { Labels: { seed: String(seed) } },
    rootfs: { type: 'layers', diff_ids: made.map(entry => entry.diffId) },
    history: made.map(entry => ({ created: '1970-01-01T00:00:00Z', created_by: `COPY ${entry.diffId} /` })),
  });
  return {
    ...manifest(types.manifest, config, made, options.annotations ? { annotations: options.annotations } : {}),
    platform: parsePlatform(platform),
  };
}

/** An index over images or over other indexes. */
export function index(
  children: readonly Manifest[],
  options: { readonly docker?: boolean; readonly annotations?: Readonly<Record<string, string>> } = {},
): Manifest {
  const mediaType = options.docker ? DOCKER.index : OCI.index;
  const annotations = options.annotations ? { annotations: options.annotations } : {};
  const bytes = json({ schemaVersion: 2, mediaType, manifests: children.map(listed), ...annotations });
  return { digest: digestOf(bytes), mediaType, bytes, blobs: [], children };
}

/** A manifest of any kind: config, layers and what else its document says. */
export function manifest(
  mediaType: string,
  config: Blob,
  layers: readonly Blob[],
  more: Readonly<Record<string, unknown>> = {},
): Manifest {
  const bytes = json({ schemaVersion: 2, mediaType, config: describe(config), layers: layers.map(describe), ...more });
  return { digest: digestOf(bytes), mediaType, bytes, blobs: [config, ...layers], children: [] };
}

export function blob(mediaType: string, bytes: Buffer, annotations?: Readonly<Record<string, string>>): Blob {
  return { digest: digestOf(bytes), mediaType, bytes, ...(annotations ? { annotations } : {}) };
}

export function jsonBlob(mediaType: string, document: unknown): Blob {
  return blob(mediaType, json(document));
}

/** The manifest's descriptor, as a `subject` names it. */
export function descriptor(
  target: Manifest,
): { readonly mediaType: string; readonly digest: string; readonly size: number } {
  return { mediaType: target.mediaType, digest: target.digest, size: target.bytes.length };
}

/** This manifest and all below it, children before parents, each once: the order of a push. */
export function withDescendants(top: Manifest): Manifest[] {
  const all = new Map<string, Manifest>();
  const visit = (target: Manifest): void => {
    target.children.forEach(visit);
    all.set(target.digest, target);
  };
  visit(top);
  return [...all.values()];
}

function listed(child: Manifest): object {
  return {
    ...descriptor(child),
    ...(child.platform ? { platform: child.platform } : {}),
    ...(child.artifactType === undefined ? {} : { artifactType: child.artifactType }),
    ...(child.annotations ? { annotations: child.annotations } : {}),
    ...(child.embedded ? { data: child.bytes.toString('base64') } : {}),
  };
}

function describe(content: Blob): object {
  return {
    mediaType: content.mediaType,
    digest: content.digest,
    size: content.bytes.length,
    ...(content.urls ? { urls: content.urls } : {}),
    ...(content.annotations ? { annotations: content.annotations } : {}),
  };
}

function parsePlatform(platform: string): Platform {
  const [os, architecture, variant] = platform.split('/');
  if (!os || !architecture) {
    throw new Error(`platform is "${platform}"; `
      + 'expected os/architecture or os/architecture/variant, such as linux/arm64');
  }
  return { os, architecture, ...(variant ? { variant } : {}) };
}

function json(document: unknown): Buffer {
  return Buffer.from(JSON.stringify(document));
}
