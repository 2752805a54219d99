import { storedGzip } from './compression';
import { blob, descriptor, image, ImageOptions, index, jsonBlob, Manifest, manifest, OCI, seededBytes } from './images';
import { tar } from './tar';

/**
 * The attestation that buildx adds to an index for each image: a manifest of in-toto statements for a platform that
 * doesn't exist.
 * @see https://docs.docker.com/build/metadata/attestations/attestation-storage/
 */
export function attestationOf(target: Manifest): Manifest {
  const statement = {
    _type: 'https://in-toto.io/Statement/v0.1',
    predicateType: 'https://slsa.dev/provenance/v0.2',
    subject: [{ name: 'image', digest: { sha256: hex(target) } }],
    predicate: { buildType: 'https://mobyproject.org/buildkit@v1' },
  };
  const layer = blob('application/vnd.in-toto+json', Buffer.from(JSON.stringify(statement)), {
    'in-toto.io/predicate-type': statement.predicateType,
  });
  const config = jsonBlob(OCI.config, {
    architecture: 'unknown', os: 'unknown', config: {}, rootfs: { type: 'layers', diff_ids: [layer.digest] },
  });
  return {
    ...manifest(OCI.manifest, config, [layer]),
    platform: { os: 'unknown', architecture: 'unknown' },
    annotations: { 'vnd.docker.reference.digest': target.digest, 'vnd.docker.reference.type': 'attestation-manifest' },
  };
}

/**
 * An attestation as BuildKit makes it since 0.32: an OCI artifact that is about its image.
 * @see https://github.com/moby/buildkit/pull/6914
 */
export function artifactAttestationOf(target: Manifest): Manifest {
  const [, statement] = attestationOf(target).blobs;
  const artifactType = 'application/vnd.docker.attestation.manifest.v1+json';
  return {
    ...manifest(OCI.manifest, EMPTY, [statement], { artifactType, subject: descriptor(target) }),
    artifactType,
    platform: { os: 'unknown', architecture: 'unknown' },
    annotations: { 'vnd.docker.reference.digest': target.digest, 'vnd.docker.reference.type': 'attestation-manifest' },
  };
}

/** What `docker buildx build --platform ... --push` makes by default: images, then an attestation for each. */
export function buildxIndex(
  options: ImageOptions & {
    readonly platforms?: readonly string[];
    readonly attest?: (target: Manifest) => Manifest;
  } = {},
): Manifest {
  const { seed = 1, platforms = ['linux/amd64', 'linux/arm64'], attest = attestationOf } = options;
  const images = platforms.map(platform => image({ ...options, platform, seed: `${seed}-${platform}` }));
  return index([...images, ...images.map(attest)]);
}

/** An index that lists an index beside an image. */
export function nestedIndex(options: ImageOptions = {}): Manifest {
  const { seed = 1 } = options;
  const inner = index([image({ ...options, seed: `${seed}-inner`, platform: 'linux/arm64' })]);
  return index([
    image({ ...options, seed: `${seed}-outer` }),
    { ...inner, platform: { os: 'linux', architecture: 'arm64' } },
  ]);
}

/**
 * `sha256-<hex>` with an optional ending: the tag by which cosign and registries without referrers API
 * find what belongs to a digest.
 */
export function tagFor(target: Manifest, ending: '' | '.sig' | '.att' | '.sbom' = ''): string {
  return `sha256-${hex(target)}${ending}`;
}

/**
 * A cosign signature; push it as `tagFor(target, '.sig')`.
 *
 * @see https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
 */
export function cosignSignature(target: Manifest): Manifest {
  const payload = {
    critical: {
      identity: { 'docker-reference': '' },
      image: { 'docker-manifest-digest': target.digest },
      type: 'cosign container image signature',
    },
    optional: null,
  };
  const signature = seededBytes(`signature ${target.digest}`, 70).toString('base64');
  const layer = blob('application/vnd.dev.cosign.simplesigning.v1+json', Buffer.from(JSON.stringify(payload)),
    { 'dev.cosignproject.cosign/signature': signature });
  return cosignManifest(layer.digest, layer);
}

/** A cosign attestation; push it as `tagFor(target, '.att')`. */
export function cosignAttestation(target: Manifest): Manifest {
  const envelope = {
    payloadType: 'application/vnd.in-toto+json',
    payload: Buffer.from(JSON.stringify({ subject: [{ digest: { sha256: hex(target) } }] })).toString('base64'),
    signatures: [{ keyid: '', sig: seededBytes(`attestation ${target.digest}`, 70).toString('base64') }],
  };
  const layer = blob('application/vnd.dsse.envelope.v1+json', Buffer.from(JSON.stringify(envelope)),
    { 'dev.cosignproject.cosign/signature': '', 'predicateType': 'https://slsa.dev/provenance/v1' });
  return cosignManifest(layer.digest, layer);
}

function cosignManifest(diffId: string, layer: ReturnType<typeof blob>): Manifest {
  const config = jsonBlob(OCI.config, {
    architecture: '',
    created: '0001-01-01T00:00:00Z',
    os: '',
    config: {},
    rootfs: { type: 'layers', diff_ids: [diffId] },
  });
  return manifest(OCI.manifest, config, [layer]);
}

/** An OCI 1.1 artifact that refers to `target`. */
export function referrer(
  target: Manifest,
  options: { readonly artifactType?: string; readonly seed?: number | string } = {},
): Manifest {
  const { artifactType = 'application/vnd.example.sbom.v1', seed = 1 } = options;
  const content = blob(artifactType, seededBytes(`referrer ${seed}`, 128));
  return { ...manifest(OCI.manifest, EMPTY, [content], { artifactType, subject: descriptor(target) }), artifactType };
}

/**
 * The index that clients keep where there is no referrers API: entries without a platform. Push it as `tagFor(target)`.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#referrers-tag-schema
 */
export function referrersIndex(referrers: readonly Manifest[]): Manifest {
  return index(referrers);
}

/** An index that lists its children's bytes, too, so that a client need not read them. */
export function embeddingIndex(children: readonly Manifest[]): Manifest {
  return index(children.map(child => ({ ...child, embedded: true })));
}

/** What `helm push` makes. @see https://github.com/helm/community/blob/main/hips/hip-0006.md */
export function helmChart(options: { readonly name?: string; readonly version?: string } = {}): Manifest {
  const { name = 'chart', version = '0.1.0' } = options;
  const chart = tar([{
    path: `${name}/Chart.yaml`,
    kind: 'file',
    mode: 0o644,
    content: Buffer.from(`apiVersion: v2\nname: ${name}\nversion: ${version}\n`),
  }]);
  const config = jsonBlob('application/vnd.cncf.helm.config.v1+json', { name, version, apiVersion: 'v2' });
  const layer = blob('application/vnd.cncf.helm.chart.content.v1.tar+gzip', storedGzip(chart));
  return manifest(OCI.manifest, config, [layer], {
    annotations: { 'org.opencontainers.image.title': name, 'org.opencontainers.image.version': version },
  });
}

/** @see https://github.com/opencontainers/image-spec/blob/v1.1.0/manifest.md#guidance-for-an-empty-descriptor */
const EMPTY = blob(OCI.empty, Buffer.from('{}'));

function hex(target: Manifest): string {
  return target.digest.replace(/^sha256:/, '');
}
