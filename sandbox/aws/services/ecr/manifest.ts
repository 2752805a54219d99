import { isRecord, Json } from '../../core/json';
import { AwsError } from '../../core/service';

/** What ECR reads from a manifest's bytes. */
export interface Manifest {
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly subject?: string;
  /** With `subject` and `artifactType` of its own: an attestation, a signature, an SBOM. */
  readonly isReferrer: boolean;
  /** Digests of an index's manifests. */
  readonly children: readonly string[];
  /** Digests of config and layers. */
  readonly blobs: readonly string[];
  readonly size: number;
}

/** @throws AwsError `InvalidParameterException` as PutImage does */
export function parseManifest(bytes: Buffer): Manifest {
  const json = parse(bytes);
  const blobs = [...descriptors(json.config), ...descriptors(json.layers)];
  return {
    mediaType: text(json.mediaType),
    artifactType: text(json.artifactType) ?? (isRecord(json.config) ? text(json.config.mediaType) : undefined),
    subject: isRecord(json.subject) ? text(json.subject.digest) : undefined,
    isReferrer: isRecord(json.subject) && json.artifactType !== undefined,
    children: descriptors(json.manifests).map(child => child.digest),
    blobs: [...new Set(blobs.map(blob => blob.digest))],
    size: blobs.reduce((sum, blob) => sum + blob.size, 0),
  };
}

function parse(bytes: Buffer): Json {
  try {
    const json: unknown = JSON.parse(bytes.toString());
    if (isRecord(json)) { return json; }
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error));
  }
  throw invalid('not an object');
}

function invalid(why: string): AwsError {
  return new AwsError(
    'InvalidParameterException',
    `Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax' (${why})`,
  );
}

function descriptors(value: unknown): { digest: string; size: number }[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : value === undefined ? [] : [value];
  return list.filter(isRecord)
    .map(item => ({ digest: text(item.digest) ?? '', size: typeof item.size === 'number' ? item.size : 0 }));
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
