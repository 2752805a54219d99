import { defects, quietWorld, runSync, SyncResult } from './sync-run';
import {
  attestationOf, buildxIndex, cosignAttestation, cosignSignature, helmChart, nestedIndex, referrer, referrersIndex, tagFor,
} from '../../sandbox/registry/artifacts';
import { digestOf } from '../../sandbox/registry/digest';
import { foreignLayer, image, index, layer, Manifest, withDescendants } from '../../sandbox/registry/images';
import type { RegistryKind, World } from '../../sandbox/world/world';

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
  ['a Docker manifest list', '1', index([image({ seed: 'd1', docker: true }), image({ seed: 'd2', docker: true, platform: 'linux/arm64/v8' })], { docker: true })],
  ['an OCI image', '1', image({ seed: 'oci', layers: 3, annotations: { 'org.opencontainers.image.title': 'ümlaut' } })],
  ['an OCI image without mediaType', '1', anonymous(image({ seed: 'anonymous' }))],
  ['an OCI index', '1', index([image({ seed: 'i1' }), image({ seed: 'i2', platform: 'linux/arm64' })], { annotations: { a: 'b' } })],
  ['an OCI index without mediaType', '1', anonymous(index([image({ seed: 'i3' })]))],
  ['an OCI index of Docker images', '1', index([image({ seed: 'm1', docker: true }), image({ seed: 'm2', platform: 'linux/arm64' })])],
  ['an index with attestations', '1', buildxIndex({ seed: 'buildx', layers: 2 })],
  ['an index of one image for two platforms', '1', index([subject, { ...subject, platform: { os: 'linux', architecture: '386' } }])],
  ['an index of nothing', '1', index([])],
  ['a nested index', '1', nestedIndex()],
  ['an index of attestations alone', '1', index([attestationOf(subject)])],
  ['a cosign signature', tagFor(signed, '.sig'), cosignSignature(signed)],
  ['a cosign attestation', tagFor(signed, '.att'), cosignAttestation(signed)],
  ['a cosign SBOM', tagFor(signed, '.sbom'), referrer(signed, { artifactType: 'text/spdx+json' })],
  ['a fallback index of referrers', tagFor(subject), referrersIndex([referrer(subject), referrer(subject, { seed: 2 })])],
  ['an artifact with a subject', 'sbom', referrer(subject, { seed: 3 })],
  ['a Helm chart', '0.1.0', helmChart()],
  ['a zstd image', '1', image({ seed: 'zstd', zstd: true, layers: 2 })],
  ['an image with a layer of no bytes', '1', image({ layers: [layer({ seed: 'full' }), layer({ layerBytes: 0 })] })],
  ['an image without layers', '1', image({ seed: 'bare', layers: 0 })],
  ['an image of 101 layers', '1', image({ seed: 'many', layers: 101, layerBytes: 16 })],
  ['an image with a foreign layer', '1', image({ docker: true, layers: [layer({ docker: true }), foreignLayer({ docker: true })] })],
  ['images that share a layer', '1', index(['amd64', 'arm64', 's390x'].map(name => image({ platform: `linux/${name}`, layers: [shared, layer({ seed: name })] })))],
];

const packageOf = (name: string): string => name.toLowerCase().replace(/\W+/g, '-');

describe.each<RegistryKind>(['embedded', 'distribution'])('with %s registries', registries => {
  let world: World;
  let first: SyncResult;
  const twice = image({ seed: 'twice' });
  const moved = ['first', 'second', 'third'].map(seed => buildxIndex({ seed }));

  beforeAll(async () => {
    world = await quietWorld({ registries, mirror: { putImageRate: 1000 } });
    await Promise.all(KINDS.map(([name, tag, content]) => world.push(packageOf(name), content, tag)));
    await world.push('moved', moved[0], 'latest');
    await world.push('twice', twice, 'a', 'b');
    first = await runSync(world);
  }, 120_000);
  afterAll(() => world?.close());

  test('one build brings everything over, and refuses nothing', () => {
    expect(first.lines.filter(line => /^(failed|refused|conflict|left|retry) /.test(line))).toEqual([]);
    expect(first).toMatchObject({ status: 'SUCCEEDED', summary: { packages: KINDS.length + 2, copied: KINDS.length + 2, failed: 0, refused: 0 } });
  });

  test.each(KINDS)('%s arrives with all below it, byte by byte', async (name, tag, content) => {
    expect(await defects(world.puller(), `${world.namespace}/${packageOf(name)}`, tag, content)).toEqual([]);
    expect(await world.target(packageOf(name), tag)).toBe(await world.source(packageOf(name), tag));
  });

  test('no tag is left behind that GHCR does not have', async () => {
    const published = world.published().map(({ package: name, tag, digest }) => `${world.namespace}/${name}:${tag} ${digest}`).sort();
    const arrived = world.ecr.repositories().flatMap(name => world.ecr.images(name).flatMap(({ tag, digest }) => tag === undefined ? [] : `${name}:${tag} ${digest}`));
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
    for (const part of withDescendants(moved[0])) { expect(await world.target('moved', part.digest)).toBe(part.digest); }
  });

  test('another run changes nothing', async () => {
    const before = world.ecr.requests.length;
    expect(await runSync(world)).toMatchObject({ status: 'SUCCEEDED', summary: { copied: 0, tagged: 0, unchanged: KINDS.length + 3, failed: 0 } });
    expect(world.ecr.requests.slice(before)).toEqual([]);
  });
});
