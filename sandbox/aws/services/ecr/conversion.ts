import { isRecord } from '../../core/json';

/** A media type and its counterpart in the other family: ECR converts between the two. */
const COUNTERPARTS: Readonly<Record<string, string>> = {
  'application/vnd.oci.image.manifest.v1+json': 'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json': 'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json': 'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json': 'application/vnd.oci.image.index.v1+json',
};

/**
 * A caller that names no media types is taken for a Docker client. The documentation doesn't say which conversion it
 * gets.
 */
export const DOCKER_TYPES = [
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];

export interface ServedManifest {
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/**
 * An image that is read **by tag** comes in a format that the client understands: other bytes, another digest. An image
 * that is read by
 * digest is never converted. The documented table is about image manifests; that indexes are treated alike is our
 * (stricter) reading.
 * @see https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-manifest-formats.html#image-manifest-conversion
 */
export function convertFor(accepted: readonly string[], stored: ServedManifest): ServedManifest {
  const counterpart = COUNTERPARTS[stored.mediaType];
  if (accepted.includes(stored.mediaType) || counterpart === undefined || !accepted.includes(counterpart)) {
    return stored;
  }
  const json: unknown = JSON.parse(stored.bytes.toString());
  const converted = isRecord(json) ? { ...json, mediaType: counterpart } : json;
  return { mediaType: counterpart, bytes: Buffer.from(JSON.stringify(converted)) };
}

/** The media types of an Accept header; undefined when it takes anything. */
export function acceptedTypes(header: string | undefined): readonly string[] | undefined {
  const types = (header ?? '*/*').split(',').map(item => item.split(';')[0].trim());
  return types.includes('*/*') ? undefined : types;
}
