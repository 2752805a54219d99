import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
  buildxIndex,
  cosignSignature,
  helmChart,
  nestedIndex,
  referrer,
  referrersIndex,
  tagFor,
} from '../../../sandbox/registry/artifacts';
import { storedGzip, storedZstd } from '../../../sandbox/registry/compression';
import { digestOf } from '../../../sandbox/registry/digest';
import {
  foreignLayer,
  image,
  index,
  layer,
  Manifest,
  OCI,
  seededBytes,
  withDescendants,
} from '../../../sandbox/registry/images';
import { imageOfBinary, imageOfDirectory } from '../../../sandbox/registry/rootfs';
import { tar } from '../../../sandbox/registry/tar';

let directory: string;
beforeEach(() => { directory = mkdtempSync(join(tmpdir(), 'images-')); });
afterEach(() => rmSync(directory, { recursive: true }));

const document = (content: Manifest): Record<string, unknown> =>
  JSON.parse(content.bytes.toString()) as Record<string, unknown>;

/** Lists a layer's files, as tar prints them. */
function listing(content: Manifest): string[] {
  const file = join(directory, '.layer');
  writeFileSync(file, content.blobs[1]?.bytes ?? '');
  return execFileSync('tar', ['--list', '--verbose', '--gzip', '--file', file], { encoding: 'utf8' })
    .trim()
    .split('\n');
}

describe('image', () => {
  it('is the same on every machine', () => {
    expect(image().digest).toBe('sha256:86ec1381eccec87b5e49ff3ba9e9255b37053eff80246da2e772aaf25ce9173e');
  });

  it('is another for another seed, platform, size or number of layers', () => {
    const all = [
      image(),
      image({ seed: 2 }),
      image({ platform: 'linux/arm64' }),
      image({ layerBytes: 257 }),
      image({ layers: 2 }),
      image({ docker: true }),
    ];

    expect(new Set(all.map(({ digest }) => digest)).size).toBe(all.length);
  });

  it('shares layers that it is given', () => {
    const base = layer({ seed: 'base' });
    const [one, two] = [image({ layers: [base, layer({ seed: 1 })] }), image({ layers: [base, layer({ seed: 2 })] })];

    expect(one.blobs[1]?.digest).toBe(two.blobs[1]?.digest);
    expect(one.digest).not.toBe(two.digest);
  });

  it('has a layer that tar reads', () => {
    expect(listing(image({ layerBytes: 1000 }))).toEqual([expect.stringMatching(/^-rw-r--r-- .* 1000 1970-01-01 .* layer-1-0$/)]);
  });

  it('describes its config and layers by size and digest', () => {
    const made = image({ layers: 2 });

    expect(document(made)).toMatchObject({
      schemaVersion: 2,
      mediaType: OCI.manifest,
      config: { digest: made.blobs[0]?.digest, size: made.blobs[0]?.bytes.length },
      layers: made.blobs.slice(1).map(({ digest, bytes, mediaType }) => ({ digest, size: bytes.length, mediaType })),
    });
  });

  it('can have a layer of no bytes', () => {
    expect(image({ layerBytes: 0 }).blobs[1]?.bytes.length).toBe(0);
  });

  it('names where a foreign layer is', () => {
    expect(document(image({ layers: [foreignLayer()] })))
      .toMatchObject({ layers: [{ mediaType: OCI.layerForeign, urls: [expect.any(String)] }] });
  });

  it('rejects a platform without architecture', () => {
    expect(() => image({ platform: 'linux' })).toThrow('expected os/architecture');
  });
});

describe('index', () => {
  it('of buildx lists images, then an attestation of each for no platform', () => {
    const made = buildxIndex();

    expect(document(made)).toMatchObject({
      manifests: [
        { digest: made.children[0]?.digest, platform: { os: 'linux', architecture: 'amd64' } },
        { digest: made.children[1]?.digest, platform: { os: 'linux', architecture: 'arm64' } },
        {
          platform: { os: 'unknown', architecture: 'unknown' },
          annotations: { 'vnd.docker.reference.digest': made.children[0]?.digest },
        },
        { platform: { os: 'unknown' }, annotations: { 'vnd.docker.reference.type': 'attestation-manifest' } },
      ],
    });
  });

  it('can list an index', () => {
    expect(document(nestedIndex()))
      .toMatchObject({ manifests: [{ mediaType: OCI.manifest }, { mediaType: OCI.index }] });
  });

  it('of referrers has no platforms', () => {
    const { manifests } = document(referrersIndex([referrer(image())])) as { manifests: object[] };

    expect(manifests).toEqual([expect.not.objectContaining({ platform: expect.anything() as unknown })]);
    expect(manifests).toMatchObject([{ artifactType: 'application/vnd.example.sbom.v1' }]);
  });

  it('is pushed after what it lists, and everything once', () => {
    const shared = image();
    const inner = index([shared]);
    const top = index([inner, shared]);

    expect(withDescendants(top)).toEqual([shared, inner, top]);
  });
});

describe('artifacts', () => {
  it('name what they belong to', () => {
    const target = image();

    expect(document(referrer(target)))
      .toMatchObject({ subject: { digest: target.digest, size: target.bytes.length, mediaType: target.mediaType } });
    expect(cosignSignature(target).blobs[1]?.bytes.toString()).toContain(target.digest);
    expect(tagFor(target, '.sig')).toBe(`${target.digest.replace(':', '-')}.sig`);
  });

  it('can be a chart that helm would read', () => {
    expect(listing(helmChart())).toEqual([expect.stringMatching(/ chart\/Chart.yaml$/)]);
  });
});

describe('compression', () => {
  it.each([0, 1, 0xffff, 0x10000, 200_000])('of %d bytes to gzip and zstd can be undone', size => {
    const bytes = seededBytes('compressed', size);

    expect(digestOf(gunzipSync(storedGzip(bytes)))).toBe(digestOf(bytes));
    expect(digestOf(rawBlocks(storedZstd(bytes)))).toBe(digestOf(bytes));
  });
});

describe('a root filesystem', () => {
  it('keeps files, folders, links and modes', () => {
    mkdirSync(join(directory, 'etc/deep'), { recursive: true });
    writeFileSync(join(directory, 'etc/deep/file'), 'content');
    chmodSync(join(directory, 'etc/deep/file'), 0o640);
    symlinkSync('deep/file', join(directory, 'etc/link'));

    const lines = listing(imageOfDirectory(directory));

    expect(lines).toEqual([
      expect.stringMatching(/^d.* etc\/$/), expect.stringMatching(/^d.* etc\/deep\/$/),
      expect.stringMatching(/^-rw-r----- (root\/root|0\/0) +7 .* etc\/deep\/file$/), expect.stringMatching(/^l.* etc\/link -> deep\/file$/),
    ]);
  });

  it('keeps names that are too long for a plain header', () => {
    const path = `${'long/'.repeat(30)}ümlaut`;

    writeFileSync(join(directory, 'archive'), tar([{ path, kind: 'file', mode: 0o644, content: Buffer.from('x') }]));

    expect(execFileSync(
      'tar',
      ['--list', '--quoting-style=literal', '--file', join(directory, 'archive')],
      { encoding: 'utf8' },
    )).toBe(`${path}\n`);
  });

  it('can be one binary under several names', () => {
    writeFileSync(join(directory, 'busybox'), 'binary');

    const lines = listing(imageOfBinary(join(directory, 'busybox'), ['sh', 'ls']));

    expect(lines.map(line => line.replace(/.*:\d\d /, ''))).toEqual(['bin/', 'bin/busybox', 'bin/ls -> busybox', 'bin/sh -> busybox', 'tmp/']);
  });

  it('rejects a socket', async () => {
    const server = createServer();
    await new Promise<void>(resolve => server.listen(join(directory, 'socket'), resolve));
    try {
      expect(() => imageOfDirectory(directory)).toThrow('is a device, socket or pipe');
    } finally {
      await new Promise(resolve => server.close(resolve));
    }
  });
});

/** Takes a zstd frame of raw blocks apart: Node 20 can't. skopeo and crane read these layers in clients.test.ts. */
function rawBlocks(frame: Buffer): Buffer {
  expect([frame.readUInt32LE(0), frame.readUInt8(4)]).toEqual([0xfd2fb528, 0xa0]);
  const parts: Buffer[] = [];
  for (let at = 9, last = false; !last;) {
    const head = frame.readUIntLE(at, 3);
    const size = Math.floor(head / 8);
    last = head % 2 === 1;
    parts.push(frame.subarray(at + 3, at + 3 + size));
    at += 3 + size;
  }
  const content = Buffer.concat(parts);
  expect(content.length).toBe(frame.readUInt32LE(5));
  return content;
}
