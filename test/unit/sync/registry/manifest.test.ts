import { InvalidManifest } from '../../../../lambda/sync/registry/errors';
import { ParsedManifest, parseManifest } from '../../../../lambda/sync/registry/manifest';
import {
  attestationOf,
  buildxIndex,
  cosignAttestation,
  cosignSignature,
  helmChart,
  nestedIndex,
  referrer,
  referrersIndex,
} from '../../../../sandbox/registry/artifacts';
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
    ['an index', buildxIndex()], ['a Docker list', index([image({
      docker: true,
    })], { docker: true })], ['a nested index', nestedIndex()],
    ['a fallback index of referrers', referrersIndex([referrer(subject)])], ['an index of nothing', index([])],
  ])('of %s are listed', (_, manifest) => {
    expect(shapeOf(manifest).children).toEqual(manifest.children.map(child => child.digest));
  });

  test('that are listed for several platforms are listed once', () => {
    expect(shapeOf(index([subject, { ...subject, platform: { os: 'linux', architecture: '386' } }])).children)
      .toEqual([subject.digest]);
  });

  test('are none for an image, whatever the registry says of its type', () => {
    expect(shapeOf(subject).children).toBeUndefined();
  });
});

test('the blobs are config and layers, without those that no registry holds', () => {
  const own = layer();
  const manifest = image({ docker: true, layers: [own, foreignLayer()] });
  expect(shapeOf(manifest).blobs)
    .toEqual([manifest.blobs[0], own].map(blob => ({ digest: blob.digest, size: blob.bytes.length })));
});

test('the Content-Type counts where the manifest does not say what it is', () => {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [{ digest: digest(1), size: 7 }] }));
  expect(parseManifest(bytes, 'application/vnd.oci.image.index.v1+json; charset=utf-8')).toMatchObject({
    mediaType: 'application/vnd.oci.image.index.v1+json', children: [digest(1)],
  });
});

describe('fails as InvalidManifest, on one short line, on', () => {
  const deep = '['.repeat(20_000) + ']'.repeat(20_000);
  test.each([
    ['a text that the parser quotes with its line break', '\n\u0000{"summary":{}}', 'application/json', 'not JSON'],
    ['a size so deep that it can\'t be written as JSON', `{"layers":[{"digest":"${digest(1)}","size":${deep}}]}`,
      'application/json', 'layers[0].size'],
    ['a Content-Type that is none', '{}', 'application/json, application/json', 'Content-Type is'],
  ])('%s', (_, text, contentType, message) => {
    const parse = (): unknown => parseManifest(Buffer.from(text), contentType);
    expect(parse).toThrow(InvalidManifest);
    expect(parse).toThrow(message);
    expect(parse).not.toThrow(/[\u0000-\u001f]|.{500}/);
  });
});

test.each([['no JSON', '<html>'], ['null', 'null'], ['a string', '"text"']])('fails on %s', (_, text) => {
  expect(() => parseManifest(Buffer.from(text), 'application/json')).toThrow('manifest invalid');
});

describe('a hostile manifest is refused, and named on one line', () => {
  const blob = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digest(1), size: 2 };
  const other = '../../../../v2/other-org/secret/manifests/latest';
  const forged = `${digest(1)}\n{"summary":{"failed":0}}`;
  test.each<[string, object, string]>([
    ['a child in another repository', { manifests: [{ ...blob, digest: other }] }, `manifests[0].digest is "${other}"`],
    ['a layer in another repository', { layers: [{ ...blob, digest: other }] }, 'layers[0].digest'],
    ['a config in another repository', { config: { ...blob, digest: other } }, 'config.digest'],
    ['a subject in another repository', { subject: { ...blob, digest: other } }, 'subject.digest'],
    ['a digest with a forged line of the log', { manifests: [{ ...blob, digest: forged }] }, '\\n{\\"summary\\"'],
    ['a digest of upper case', { layers: [{ ...blob, digest: digest(10).toUpperCase() }] }, 'layers[0].digest'],
    ['a digest that is missing', { manifests: [{ size: 2 }] }, 'manifests[0].digest is undefined'],
    ['a digest that is a number', { layers: [{ ...blob, digest: 1 }] }, 'layers[0].digest is 1'],
    ['a negative size', { layers: [{ ...blob, size: -1 }] }, 'layers[0].size is -1'],
    ['a size that is no number', { layers: [{ ...blob, size: '1' }] }, 'layers[0].size is "1"'],
    ['a size beyond what numbers hold', { layers: [{ ...blob, size: 2 ** 60 }] }, 'layers[0].size'],
    ['a media type of two lines', { mediaType: 'a/b\nc: d' }, 'mediaType is "a/b\\nc: d"'],
    ['layers that are no array', { layers: { length: 3 } }, 'layers is {"length":3}'],
    ['a layer that is null', { layers: [null] }, 'layers[0] is null'],
    ['a config that is a text', { config: 'config' }, 'config is "config"'],
    ['too many children', { manifests: Array(2_001).fill(blob) }, 'manifests has 2001 entries, expected at most 2000'],
    ['too many layers', { layers: Array(4_001).fill(blob) }, 'layers has 4001 entries, expected at most 4000'],
  ])('%s', (_, document, message) => {
    const parse = (): unknown => parseManifest(Buffer.from(JSON.stringify(document)), 'application/json');
    expect(parse).toThrow(InvalidManifest);
    expect(parse).toThrow(message);
    expect(parse).not.toThrow(/\n/);
  });
});
