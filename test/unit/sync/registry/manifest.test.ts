import { ParsedManifest, parseManifest } from '../../../../lambda/sync/registry/manifest';
import { attestationOf, buildxIndex, cosignAttestation, cosignSignature, helmChart, nestedIndex, referrer, referrersIndex } from '../../../../sandbox/registry/artifacts';
import { foreignLayer, image, index, layer, Manifest } from '../../../../sandbox/registry/images';
import { digest } from '../../shared/samples';

const shapeOf = ({ bytes, mediaType }: Manifest): ParsedManifest => parseManifest(bytes, mediaType);
const subject = image();

describe('an artifact is', () => {
  test.each<[string, Manifest, boolean]>([
    ['an OCI image', subject, false],
    ['a Docker image', image({ docker: true }), false],
    ['a zstd image', image({ zstd: true }), false],
    ['an image without layers', image({ layers: 0 }), false],
    ['an image with a foreign layer', image({ docker: true, layers: [foreignLayer({ docker: true })] }), false],
    ['an index: its children tell', index([subject]), false],
    ['a Helm chart', helmChart(), true],
    ['an artifact with a subject', referrer(subject), true],
    ['a cosign signature, with the config of an image', cosignSignature(subject), true],
    ['a cosign attestation, with the config of an image', cosignAttestation(subject), true],
    ['an attestation of buildx, with the config of an image', attestationOf(subject), true],
  ])('%s: %#', (_, manifest, artifact) => {
    expect(shapeOf(manifest).artifact).toBe(artifact);
  });
});

describe('children', () => {
  test.each<[string, Manifest]>([
    ['an index', buildxIndex()], ['a Docker list', index([image({ docker: true })], { docker: true })], ['a nested index', nestedIndex()],
    ['a fallback index of referrers', referrersIndex([referrer(subject)])], ['an index of nothing', index([])],
  ])('of %s are listed', (_, manifest) => {
    expect(shapeOf(manifest).children).toEqual(manifest.children.map(child => child.digest));
  });

  test('that are listed for several platforms are listed once', () => {
    expect(shapeOf(index([subject, { ...subject, platform: { os: 'linux', architecture: '386' } }])).children).toEqual([subject.digest]);
  });

  test('are none for an image, whatever the registry says of its type', () => {
    expect(shapeOf(subject).children).toBeUndefined();
  });
});

test('the blobs are config and layers, without those that no registry holds', () => {
  const own = layer();
  const manifest = image({ docker: true, layers: [own, foreignLayer()] });
  expect(shapeOf(manifest).blobs).toEqual([manifest.blobs[0], own].map(blob => ({ digest: blob.digest, size: blob.bytes.length })));
});

test('the Content-Type counts where the manifest does not say what it is', () => {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [{ digest: digest(1) }] }));
  expect(parseManifest(bytes, 'application/vnd.oci.image.index.v1+json; charset=utf-8')).toMatchObject({
    mediaType: 'application/vnd.oci.image.index.v1+json', children: [digest(1)],
  });
});

test.each([['no JSON', '<html>'], ['null', 'null'], ['a string', '"text"']])('fails on %s', (_, text) => {
  expect(() => parseManifest(Buffer.from(text), 'application/json')).toThrow('manifest invalid');
});
