import { defects, quietWorld, runSync, SyncResult } from './sync-run';
import {
  artifactAttestationOf,
  attestationOf,
  buildxIndex,
  cosignAttestation,
  cosignSignature,
  embeddingIndex,
  helmChart,
  nestedIndex,
  referrer,
  referrersIndex,
  tagFor,
} from '../../sandbox/registry/artifacts';
import { digestOf } from '../../sandbox/registry/digest';
import { foreignLayer, image, index, layer, Manifest, withDescendants } from '../../sandbox/registry/images';
import type { RegistryKind, World } from '../../sandbox/world/world';
import { CopyEngine } from '../../src';

/** The same manifest without its `mediaType`, which OCI allows: the registry's Content-Type alone tells. */
function anonymous(given: Manifest): Manifest {
  const { mediaType: _, ...document } = JSON.parse(given.bytes.toString()) as Record<string, unknown>;
  const bytes = Buffer.from(JSON.stringify(document));
  return { ...given, bytes, digest: digestOf(bytes) };
}

const signed = buildxIndex({ seed: 'signed' });
const subject = image({ seed: 'subject' });
const shared = layer({ seed: 'shared', layerBytes: 40_000 });

/** Everything that lies in GHCR, by the tag that it has. A package for each: nothing comes along by chance. */
const KINDS: readonly (readonly [name: string, tag: string, content: Manifest])[] = [
  ['a Docker image', '1', image({ seed: 'docker', docker: true, layers: 2 })],
  ['a Docker manifest list', '1', index(
    [image({ seed: 'd1', docker: true }), image({ seed: 'd2', docker: true, platform: 'linux/arm64/v8' })],
    { docker: true },
  )],
  ['an OCI image', '1', image({ seed: 'oci', layers: 3, annotations: { 'org.opencontainers.image.title': 'ümlaut' } })],
  ['an OCI image without mediaType', '1', anonymous(image({ seed: 'anonymous' }))],
  ['an OCI index', '1',
    index([image({ seed: 'i1' }), image({ seed: 'i2', platform: 'linux/arm64' })], { annotations: { a: 'b' } })],
  ['an OCI index without mediaType', '1', anonymous(index([image({ seed: 'i3' })]))],
  ['an OCI index of Docker images', '1',
    index([image({ seed: 'm1', docker: true }), image({ seed: 'm2', platform: 'linux/arm64' })])],
  ['an index with attestations', '1', buildxIndex({ seed: 'buildx', layers: 2 })],
  ['an index with attestations of BuildKit 0.32', '1',
    buildxIndex({ seed: 'buildkit', attest: artifactAttestationOf })],
  ['an index whose attestations come before their images', '1', index([artifactAttestationOf(subject), subject])],
  ['an index of zstd images', '1', buildxIndex({ seed: 'zstd-index', zstd: true })],
  ['an index of images with gzip and with zstd', '1',
    index([image({ seed: 'gzip' }), image({ seed: 'zstd', zstd: true })])],
  ['an index that lists artifacts beside an image', '1', index([subject, referrer(subject, { seed: 4 })])],
  ['an index that embeds its children', '1',
    embeddingIndex([image({ seed: 'embedded' }), image({ seed: 'embedded-arm', platform: 'linux/arm64' })])],
  ['an index of one image for two platforms', '1',
    index([subject, { ...subject, platform: { os: 'linux', architecture: '386' } }])],
  ['an index of nothing', '1', index([])],
  ['a nested index', '1', nestedIndex()],
  ['an index of attestations alone', '1', index([attestationOf(subject)])],
  ['a cosign signature', tagFor(signed, '.sig'), cosignSignature(signed)],
  ['a cosign attestation', tagFor(signed, '.att'), cosignAttestation(signed)],
  ['a cosign SBOM', tagFor(signed, '.sbom'), referrer(signed, { artifactType: 'text/spdx+json' })],
  ['a fallback index of referrers', tagFor(subject),
    referrersIndex([referrer(subject), referrer(subject, { seed: 2 })])],
  ['an artifact with a subject', 'sbom', referrer(subject, { seed: 3 })],
  ['a Helm chart', '0.1.0', helmChart()],
  ['a zstd image', '1', image({ seed: 'zstd', zstd: true, layers: 2 })],
  ['an image with a layer of no bytes', '1', image({ layers: [layer({ seed: 'full' }), layer({ layerBytes: 0 })] })],
  ['an image without layers', '1', image({ seed: 'bare', layers: 0 })],
  ['an image of 101 layers', '1', image({ seed: 'many', layers: 101, layerBytes: 16 })],
  ['an image with a foreign layer', '1',
    image({ docker: true, layers: [layer({ docker: true }), foreignLayer({ docker: true })] })],
  ['images that share a layer', '1', index(['amd64', 'arm64', 's390x'].map(name => image({
    platform: `linux/${name}`,
    layers: [shared, layer({ seed: name })],
  })))],
];

const isImage = ({ children, mediaType }: Manifest): boolean => children.length === 0 && !/index|manifest\.list/.test(mediaType);

const short = (text: string): string => text.slice(0, text.indexOf('@') + 20);

const packageOf = (name: string): string => name.toLowerCase().replace(/\W+/g, '-');

/** The real registry with both engines; our own one, which is faster and stricter, with the default. */
const SETTINGS: readonly (readonly [RegistryKind, CopyEngine])[] = [
  ['embedded', CopyEngine.SKOPEO], ['distribution', CopyEngine.SKOPEO], ['distribution', CopyEngine.DIRECT],
];

describe.each(SETTINGS)('with %s registries, by %s', (registries, engine) => {
  let world: World;
  let first: SyncResult;
  const twice = image({ seed: 'twice' });
  const moved = ['first', 'second', 'third'].map(seed => buildxIndex({ seed }));

  beforeAll(async () => {
    world = await quietWorld({ registries, mirror: { putImageRate: 1000, engine } });
    await Promise.all(KINDS.map(([name, tag, content]) => world.push(packageOf(name), content, tag)));
    await world.push('moved', moved[0], 'latest');
    await world.push('twice', twice, 'a', 'b');
    first = await runSync(world);
  }, 120_000);
  afterAll(() => world?.close());

  test('one build brings everything over, and refuses nothing', () => {
    expect(first.lines.filter(line => /^(failed|refused|conflict|left|retry|fallback) /.test(line))).toEqual([]);
    expect(first).toMatchObject({
      status: 'SUCCEEDED',
      summary: { packages: KINDS.length + 2, copied: KINDS.length + 2, failed: 0, refused: 0 },
    });
  });

  test('every manifest that is no index is copied by skopeo where that is the engine, and none elsewhere', () => {
    const copies = first.lines.filter(line => line.startsWith('skopeo copy '));
    const images = KINDS.flatMap(([name, , content]) =>
      withDescendants(content).filter(isImage).map(({ digest }) => `${packageOf(name)}@${digest}`));
    const copied = copies.map(line => line.split('/').pop() ?? '');
    expect(copied.filter(line => !line.startsWith('moved@') && !line.startsWith('twice@')).map(short).sort())
      .toEqual(engine === CopyEngine.SKOPEO ? images.map(short).sort() : []);
  });

  test.each(KINDS)('%s arrives with all below it, byte by byte', async (name, tag, content) => {
    expect(await defects(world.puller(), `${world.namespace}/${packageOf(name)}`, tag, content)).toEqual([]);
    expect(await world.target(packageOf(name), tag)).toBe(await world.source(packageOf(name), tag));
  });

  test('no tag is left behind that GHCR does not have', async () => {
    const published = world.published()
      .map(({ package: name, tag, digest }) => `${world.namespace}/${name}:${tag} ${digest}`)
      .sort();
    const arrived = world.ecr.repositories().flatMap(name =>
      world.ecr.images(name).flatMap(({ tag, digest }) => tag === undefined ? [] : `${name}:${tag} ${digest}`));
    expect(arrived.sort()).toEqual(published);
  });

  test('two tags of one digest become two tags of one digest', async () => {
    expect(await world.target('twice', 'a')).toBe(twice.digest);
    expect(await world.target('twice', 'b')).toBe(twice.digest);
  });

  test('a tag that moves twice ends where it points to, and the older images stay', async () => {
    await world.push('moved', moved[1], 'latest');
    await world.push('moved', moved[2], 'latest');
    expect(await runSync(world, 'moved')).toMatchObject({ status: 'SUCCEEDED', summary: { copied: 1, failed: 0 } });
    expect(await defects(world.puller(), `${world.namespace}/moved`, 'latest', moved[2])).toEqual([]);
    for (const part of withDescendants(moved[0])) {
      expect(await world.target('moved', part.digest)).toBe(part.digest);
    }
  });

  test('another run changes nothing', async () => {
    const before = world.ecr.requests.length;
    expect(await runSync(world)).toMatchObject({
      status: 'SUCCEEDED',
      summary: { copied: 0, tagged: 0, unchanged: KINDS.length + 3, failed: 0 },
    });
    expect(world.ecr.requests.slice(before)).toEqual([]);
  });
});
