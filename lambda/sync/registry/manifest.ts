import { InvalidManifest } from './errors';
import { isDigest } from '../../../src/image-name';
import { messageOf } from '../../shared/errors';
import { isObject } from '../../shared/is-object';
import { oneLine } from '../../shared/one-line';
import { shown } from '../../shared/shown';

/** A blob as a manifest refers to it: OCI's descriptor. */
export interface Descriptor {
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
}

/** The part of a manifest that the sync uses. */
export interface ParsedManifest {
  readonly mediaType: string;
  /** Digests that an index lists, each once; undefined for a manifest that is no index. */
  readonly children: readonly string[] | undefined;
  /** Config and layers that have to be there before the manifest is put. An index has none of its own. */
  readonly blobs: readonly Descriptor[];
  /** Digest of the manifest that this one is about: an attestation's image. */
  readonly subject: string | undefined;
  /**
   * Whether it is something else than an image: a signature, an attestation, a chart. An index is one when all its
   * children are.
   */
  readonly artifact: boolean;
}

/**
 * More than any image has, and few enough that the build's memory and connections hold: whoever may push to GHCR
 * writes manifests, and the sync must not believe them.
 */
export const MANIFEST_LIMITS = { children: 2_000, layers: 4_000 };

const INDEXES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];

const IMAGE_CONFIGS = [
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
];

/**
 * Media types of image layers. Cosign and buildx give signatures and attestations the config of an image: only the
 * layers tell.
 */
const IMAGE_LAYER = /^application\/vnd\.(oci\.image\.layer\.|docker\.image\.rootfs\.)/;

/** @see https://www.rfc-editor.org/rfc/rfc6838#section-4.2 */
const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/i;

/**
 * Reads a manifest as a hostile one: digests become parts of URLs and of log lines, sizes become lengths of requests.
 *
 * @param contentType the media type of the answer, which counts where the manifest doesn't name its own
 * @throws InvalidManifest when a digest, a size or a media type is not one, or there are more entries than
 *   `MANIFEST_LIMITS`
 */
export function parseManifest(bytes: Uint8Array, contentType: string): ParsedManifest {
  const document = parseObject(bytes);
  const mediaType = optional(document.mediaType, 'mediaType', isMediaType)
    ?? optional(contentType.split(';')[0].trim(), 'Content-Type', isMediaType) ?? '';
  const isIndex = INDEXES.includes(mediaType) || Array.isArray(document.manifests);
  const layers = entries(document.layers, 'layers', MANIFEST_LIMITS.layers);
  const config = document.config === undefined ? [] : [descriptorOf(document.config, 'config')];
  const subject = isObject(document.subject)
    ? required(document.subject.digest, 'subject.digest', isDigest)
    : undefined;
  const image = isIndex || (
    IMAGE_CONFIGS.includes(config[0]?.mediaType ?? '') && layers.every(layer => IMAGE_LAYER.test(layer.mediaType))
  );
  return {
    mediaType,
    children: isIndex ? childrenOf(document) : undefined,
    blobs: isIndex
      ? []
      : [...config, ...layers].filter(({ foreign }) => !foreign).map(({ digest, size }) => ({ digest, size })),
    subject,
    artifact: document.artifactType !== undefined || document.subject !== undefined || !image,
  };
}

type Json = Readonly<Record<string, unknown>>;

function parseObject(bytes: Uint8Array): Json {
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    // The parser quotes the text, with its line breaks.
    throw new InvalidManifest(`manifest invalid: not JSON: ${oneLine(messageOf(error))}`, { cause: error });
  }
  if (!isObject(document)) { throw new InvalidManifest('manifest invalid: not a JSON object'); }
  return document;
}

function childrenOf({ manifests }: Json): string[] {
  return [...new Set(entries(manifests, 'manifests', MANIFEST_LIMITS.children).map(({ digest }) => digest))];
}

interface Entry extends Descriptor {
  readonly mediaType: string;
  /** It is fetched from its `urls`, and no registry holds it. */
  readonly foreign: boolean;
}

function entries(value: unknown, name: string, limit: number): Entry[] {
  if (value === undefined || value === null) { return []; }
  if (!Array.isArray(value)) { throw invalid(name, value, 'an array'); }
  if (value.length > limit) {
    throw new InvalidManifest(`manifest invalid: ${name} has ${value.length} entries, expected at most ${limit}`);
  }
  return value.map((entry: unknown, at) => descriptorOf(entry, `${name}[${at}]`));
}

function descriptorOf(value: unknown, name: string): Entry {
  if (!isObject(value)) { throw invalid(name, value, 'a descriptor'); }
  return {
    digest: required(value.digest, `${name}.digest`, isDigest),
    size: sizeOf(value.size, `${name}.size`),
    mediaType: optional(value.mediaType, `${name}.mediaType`, isMediaType) ?? '',
    foreign: Array.isArray(value.urls) && value.urls.length > 0,
  };
}

/** Without a size, as in old indexes, nothing can be sent, but a child can be read. */
function sizeOf(value: unknown, name: string): number {
  if (value === undefined) { return 0; }
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) { return value; }
  throw invalid(name, value, 'a number of bytes');
}

function required(value: unknown, name: string, check: (text: string) => boolean): string {
  if (typeof value === 'string' && check(value)) { return value; }
  throw invalid(name, value, check === isDigest ? 'sha256: and 64 hexadecimal digits' : 'a media type');
}

function optional(value: unknown, name: string, check: (text: string) => boolean): string | undefined {
  return value === undefined || value === '' ? undefined : required(value, name, check);
}

function isMediaType(text: string): boolean {
  return MEDIA_TYPE.test(text);
}

function invalid(name: string, value: unknown, expected: string): InvalidManifest {
  return new InvalidManifest(`manifest invalid: ${name} is ${shown(value)}, expected ${expected}`);
}
