import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HttpServer } from '../../../sandbox/http-server';
import {
  buildxIndex,
  cosignAttestation,
  cosignSignature,
  helmChart,
  nestedIndex,
  referrer,
  referrersIndex,
} from '../../../sandbox/registry/artifacts';
import { RegistryClient } from '../../../sandbox/registry/client';
import { digestOf } from '../../../sandbox/registry/digest';
import { ManifestPut, startFront } from '../../../sandbox/registry/front';
import { startGhcr } from '../../../sandbox/registry/ghcr';
import { foreignLayer, image, index, layer, Manifest, withDescendants } from '../../../sandbox/registry/images';
import { run } from '../../../sandbox/registry/process';
import { startRegistry } from '../../../sandbox/registry/registry';
import { authFile, Skopeo } from '../../../sandbox/registry/skopeo';

const LOGIN = { user: 'anyone', password: 'ghp_secret' };
const REPOSITORY = 'my-org/app';

/** Three doors to content: a bare registry, a front that lets everything pass, and GHCR. */
let servers: { registry: HttpServer; front: HttpServer; ghcr: HttpServer };
let backings: HttpServer[];
let pushed: ManifestPut[];
let skopeo: Skopeo;

beforeAll(async () => {
  backings = [await startRegistry(), await startRegistry({ referrers: false })];
  const [plain, hidden] = backings as [HttpServer, HttpServer];
  servers = {
    registry: await startRegistry(),
    front: await startFront({ backing: plain, policy: { check: () => undefined } }),
    ghcr: await startGhcr({
      backing: hidden,
      allows: (_user, password) => password === LOGIN.password,
      onPush: put => pushed.push(put),
      redirectBlobs: true,
    }),
  };
  skopeo = new Skopeo([servers.registry, servers.front, { host: servers.ghcr.host, ...LOGIN }]);
});
afterAll(async () => {
  skopeo.close();
  for (const server of [...Object.values(servers), ...backings]) { await server.close(); }
});
beforeEach(() => { pushed = []; });

const top = image();
const CONTENT: [string, Manifest][] = [
  ['an OCI image', top],
  ['an image of Docker\'s types', image({ docker: true, layers: 3 })],
  ['a zstd image', image({ zstd: true })],
  ['a manifest list',
    index([image({ docker: true }), image({ docker: true, platform: 'linux/arm64' })], { docker: true })],
  ['an index with attestations', buildxIndex()],
  ['a nested index', nestedIndex()],
  ['an image with a layer of several chunks', image({ layers: [layer({ layerBytes: 3_000_000 })] })],
  ['a cosign signature', cosignSignature(top)],
  ['a cosign attestation', cosignAttestation(top)],
  ['an artifact with a subject', referrer(top)],
  ['a Helm chart', helmChart()],
];

describe('skopeo copies', () => {
  // The nested index is beyond skopeo 1.9 (it takes the inner index for an image), so it isn't among these.
  const copied = CONTENT.filter(([name]) => name !== 'a nested index');

  it.each(copied)('%s from a registry through GHCR and a front, digests unchanged', async (name, content) => {
    const tag = name.replace(/\W/g, '-').toLowerCase();
    await new RegistryClient(servers.registry).push(REPOSITORY, content, tag);

    for (const [from, to] of [[servers.registry, servers.ghcr], [servers.ghcr, servers.front]] as const) {
      expect(await skopeo.copy(`${from.host}/${REPOSITORY}:${tag}`, `${to.host}/${REPOSITORY}:${tag}`))
        .toMatchObject({ code: 0, stderr: '' });
    }

    const arrived = new RegistryClient(servers.front);
    for (const part of withDescendants(content)) {
      expect(await arrived.manifestDigest(REPOSITORY, part === content ? tag : part.digest)).toBe(part.digest);
      for (const { digest } of part.blobs) {
        expect(digestOf(await arrived.getBlob(REPOSITORY, digest) ?? 'absent')).toBe(digest);
      }
    }
  });

  it('an image with a foreign layer, without that layer', async () => {
    const content = image({ docker: true, layers: [layer({ docker: true }), foreignLayer({ docker: true })] });
    await new RegistryClient(servers.registry).push(REPOSITORY, content, 'foreign');

    expect(await skopeo.copy(
      `${servers.registry.host}/${REPOSITORY}:foreign`,
      `${servers.front.host}/${REPOSITORY}:foreign`,
    )).toMatchObject({ code: 0, stderr: '' });
    expect(await new RegistryClient(servers.front).manifestDigest(REPOSITORY, 'foreign')).toBe(content.digest);
  });

  it('by digest', async () => {
    await new RegistryClient(servers.registry).push('my-org/by-digest', top);

    expect(await skopeo.copy(
      `${servers.registry.host}/my-org/by-digest@${top.digest}`,
      `${servers.ghcr.host}/my-org/by-digest@${top.digest}`,
    ))
      .toMatchObject({ code: 0, stderr: '' });
    expect(await new RegistryClient({ ...servers.ghcr, ...LOGIN }).manifestDigest('my-org/by-digest', top.digest))
      .toBe(top.digest);
  });

  it('and GHCR reports every manifest that was pushed, children first', async () => {
    const content = buildxIndex({ seed: 'reported' });
    await new RegistryClient(servers.registry).push('my-org/reported', content, 'v1');
    await skopeo.copy(`${servers.registry.host}/my-org/reported:v1`, `${servers.ghcr.host}/my-org/reported:v1`);

    expect(pushed.map(({ digest }) => digest))
      .toEqual([...content.children.map(({ digest }) => digest), content.digest]);
    expect(pushed.at(-1)).toMatchObject({
      repository: 'my-org/reported',
      reference: 'v1',
      mediaType: content.mediaType,
      bytes: content.bytes,
    });
  });
});

describe('skopeo', () => {
  it('fails to copy a referrers index without platforms', async () => {
    const content = referrersIndex([referrer(top)]);
    await new RegistryClient(servers.registry).push(REPOSITORY, content, 'fallback');
    const { code, stderr } = await skopeo.copy(
      `${servers.registry.host}/${REPOSITORY}:fallback`,
      `${servers.front.host}/${REPOSITORY}:fallback`,
    );
    expect(code).not.toBe(0);
    expect(stderr).toContain('Manifest list must be converted');
  });

  it('fails against GHCR with a wrong password', async () => {
    const intruder = new Skopeo([{ host: servers.ghcr.host, user: 'anyone', password: 'wrong' }]);
    const { code, stderr } = await intruder.run('inspect', '--raw', `docker://${servers.ghcr.host}/${REPOSITORY}:any`);
    intruder.close();

    expect(code).not.toBe(0);
    expect(stderr).toMatch(/403|denied/i);
  });

  it('lists tags', async () => {
    await new RegistryClient({ ...servers.ghcr, ...LOGIN }).push('my-org/tags', top, 'a', 'b');

    const { stdout } = await skopeo.run('list-tags', `docker://${servers.ghcr.host}/my-org/tags`);

    expect(JSON.parse(stdout)).toMatchObject({ Tags: ['a', 'b'] });
  });
});

// To have the binary: GOBIN=$PWD/bin go install github.com/google/go-containerregistry/cmd/crane@latest
const crane = process.env.CRANE;
if (crane === undefined) {
  process.stderr.write('clients.test.ts: the cases with crane need the variable CRANE, '
    + 'the path of its binary; they are not run\n');
}

(crane === undefined ? describe.skip : describe)('crane', () => {
  let configuration: string;
  const call = (...args: string[]): ReturnType<typeof run> =>
    run(crane ?? '', args, { DOCKER_CONFIG: configuration }, 'CRANE has to name the binary');

  beforeAll(() => {
    configuration = mkdtempSync(join(tmpdir(), 'crane-'));
    writeFileSync(
      join(configuration, 'config.json'),
      JSON.stringify(authFile([{ host: servers.ghcr.host, ...LOGIN }])),
    );
  });
  afterAll(() => rmSync(configuration, { recursive: true, force: true }));

  it.each(CONTENT)('copies %s into GHCR and out', async (name, content) => {
    const tag = name.replace(/\W/g, '-').toLowerCase();
    await new RegistryClient(servers.registry).push('my-org/crane', content, tag);
    expect(
      await call('copy', `${servers.registry.host}/my-org/crane:${tag}`, `${servers.ghcr.host}/my-org/crane:${tag}`),
    ).toMatchObject({ code: 0 });
    expect(await call('copy', `${servers.ghcr.host}/my-org/crane:${tag}`, `${servers.front.host}/my-org/crane:${tag}`))
      .toMatchObject({ code: 0 });
    expect(await new RegistryClient(servers.front).manifestDigest('my-org/crane', tag)).toBe(content.digest);
  });

  it('finds an image valid', async () => {
    await new RegistryClient(servers.registry).push('my-org/valid', image({ layers: 3 }), 'v1');

    expect(await call('validate', '--remote', `${servers.registry.host}/my-org/valid:v1`)).toMatchObject({ code: 0 });
  });
});
