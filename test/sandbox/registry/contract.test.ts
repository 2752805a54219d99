import {
  attestationOf,
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
import { hasDistribution, startDistribution } from '../../../sandbox/registry/distribution';
import { startFront } from '../../../sandbox/registry/front';
import {
  blob,
  foreignLayer,
  image,
  index,
  layer,
  Manifest,
  OCI,
  seededBytes,
  withDescendants,
} from '../../../sandbox/registry/images';
import { startRegistry } from '../../../sandbox/registry/registry';

interface Running { readonly url: string; close(): Promise<void> }

/** Behaviour that may differ between two correct registries. */
interface Differences {
  /** Distribution 2.8 has no referrers API. */
  readonly referrers: boolean;
  /** Distribution 2.8 ignores `n` and `last`, and lists tags in the order of its file system. */
  readonly tagPages: boolean;
  /** Distribution 2.8 can't delete a tag alone. */
  readonly deletesTags: boolean;
  /** Distribution 2.8 knows a fixed set of manifest types. */
  readonly anyMediaType: boolean;
  /** Distribution 2.8 doesn't look at the Content-Range of a chunk. */
  readonly checksContentRange: boolean;
}

const OURS: Differences = {
  referrers: true,
  tagPages: true,
  deletesTags: true,
  anyMediaType: true,
  checksContentRange: true,
};
const DISTRIBUTION: Differences = {
  referrers: false,
  tagPages: false,
  deletesTags: false,
  anyMediaType: false,
  checksContentRange: false,
};

const registries: [string, () => Promise<Running>, Differences][] = [
  ['embedded registry', startRegistry, OURS],
  ['front of the embedded registry', () => behindFront(startRegistry), OURS],
];
if (hasDistribution() || process.env.CI !== undefined) {
  registries.push(['CNCF distribution', startDistribution, DISTRIBUTION]);
  registries.push(['front of CNCF distribution', () => behindFront(startDistribution), DISTRIBUTION]);
} else {
  process.stderr.write(
    'contract.test.ts: docker-registry is not installed, so the cases run against the embedded registry alone '
      + '(apt-get install docker-registry adds CNCF distribution)\n',
  );
}

async function behindFront(start: () => Promise<Running>): Promise<Running> {
  const backing = await start();
  const front = await startFront({ backing, policy: { check: () => undefined } });
  return {
    url: front.url,
    close: async () => {
      await front.close();
      await backing.close();
    },
  };
}

describe.each(registries)('%s', (_name, start, differences) => {
  let running: Running;
  let client: RegistryClient;
  let repository: string;
  let count = 0;

  beforeAll(async () => {
    running = await start();
    client = new RegistryClient(running);
  });
  afterAll(() => running.close());
  beforeEach(() => { repository = `org/case-${++count}`; });

  const put = (reference: string, mediaType: string, bytes: Buffer): Promise<Response> =>
    client.send('PUT', `/v2/${repository}/manifests/${reference}`, { 'content-type': mediaType }, bytes);

  describe('ping', () => {
    it('answers 200', async () => {
      expect((await client.send('GET', '/v2/')).status).toBe(200);
    });
  });

  describe('blobs', () => {
    const content = blob('application/octet-stream', seededBytes('blob', 1000));
    const large = blob('application/octet-stream', seededBytes('large', 300_000));
    const path = (digest = content.digest): string => `/v2/${repository}/blobs/${digest}`;

    it('gives back the bytes that were uploaded', async () => {
      await client.pushBlob(repository, content);

      expect(await client.getBlob(repository, content.digest)).toEqual(content.bytes);
    });

    it('streams a large blob', async () => {
      await client.pushBlob(repository, large);

      expect(digestOf(await client.getBlob(repository, large.digest) ?? '')).toBe(large.digest);
    });

    it('answers HEAD with size and digest', async () => {
      await client.pushBlob(repository, content);

      const head = await client.send('HEAD', path());

      expect([head.status, head.headers.get('content-length'), head.headers.get('docker-content-digest')])
        .toEqual([200, '1000', content.digest]);
    });

    it.each([
      ['bytes=0-9', 0, 10],
      ['bytes=990-', 990, 1000],
      ['bytes=990-5000', 990, 1000],
      ['bytes=-10', 990, 1000],
    ])('answers %s with that part', async (range, from, to) => {
      await client.pushBlob(repository, content);

      const part = await client.send('GET', path(), { range });

      expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes ${from}-${to - 1}/1000`]);
      expect(Buffer.from(await part.arrayBuffer())).toEqual(content.bytes.subarray(from, to));
    });

    it('rejects a range behind the end', async () => {
      await client.pushBlob(repository, content);

      expect((await client.send('GET', path(), { range: 'bytes=1000-' })).status).toBe(416);
    });

    it('rejects an unknown digest', async () => {
      expect(await refusal(await client.send('GET', path()))).toEqual([404, 'BLOB_UNKNOWN']);
    });

    it('rejects a blob of another repository', async () => {
      await client.pushBlob(`${repository}/elsewhere`, content);

      expect(await refusal(await client.send('GET', path()))).toEqual([404, 'BLOB_UNKNOWN']);
    });

    it('keeps a blob of no bytes', async () => {
      const none = blob('application/octet-stream', Buffer.alloc(0));
      await client.pushBlob(repository, none);

      expect(await client.getBlob(repository, none.digest)).toEqual(Buffer.alloc(0));
    });

    it('deletes', async () => {
      await client.pushBlob(repository, content);

      expect((await client.send('DELETE', path())).status).toBe(202);
      expect((await client.send('HEAD', path())).status).toBe(404);
    });
  });

  describe('uploads', () => {
    const bytes = seededBytes('upload', 1000);
    const digest = digestOf(bytes);
    const begin = async (): Promise<string> =>
      locationOf(await client.send('POST', `/v2/${repository}/blobs/uploads/`));
    const patch = (location: string, from: number, to: number, range = `${from}-${to - 1}`): Promise<Response> =>
      client.send(
        'PATCH',
        location,
        { 'content-type': 'application/octet-stream', 'content-range': range },
        bytes.subarray(from, to),
      );
    const finish = (location: string, what: string, body?: Buffer): Promise<Response> =>
      client.send(
        'PUT',
        `${location}${location.includes('?') ? '&' : '?'}digest=${what}`,
        { 'content-type': 'application/octet-stream' },
        body,
      );
    it('names a session, its range and where to go on', async () => {
      const started = await client.send('POST', `/v2/${repository}/blobs/uploads/`);

      expect([started.status, started.headers.get('range')]).toEqual([202, '0-0']);
      expect(started.headers.get('docker-upload-uuid')).toMatch(/^[0-9a-f-]{36}$/);
      expect(locationOf(started)).toContain(`/v2/${repository}/blobs/uploads/`);
    });
    it('takes a body with the closing PUT alone', async () => {
      const done = await finish(await begin(), digest, bytes);

      expect([done.status, done.headers.get('docker-content-digest')]).toEqual([201, digest]);
      expect(await client.getBlob(repository, digest)).toEqual(bytes);
    });
    it('takes chunks, the last with the closing PUT', async () => {
      const first = await patch(await begin(), 0, 300);
      const second = await patch(locationOf(first), 300, 800);
      const done = await finish(locationOf(second), digest, bytes.subarray(800));

      expect([first.status, first.headers.get('range'), second.headers.get('range'), done.status])
        .toEqual([202, '0-299', '0-799', 201]);
      expect(await client.getBlob(repository, digest)).toEqual(bytes);
    });
    it('takes a stream of unknown length', async () => {
      const stream = new ReadableStream<Uint8Array>({
        start: controller => {
          controller.enqueue(bytes.subarray(0, 500));
          controller.enqueue(bytes.subarray(500));
          controller.close();
        },
      });
      const patched = await fetch(
        new URL(await begin(), running.url),
        { method: 'PATCH', body: stream, duplex: 'half' },
      );

      expect((await finish(locationOf(patched), digest)).status).toBe(201);
    });
    it('says how far a session has come', async () => {
      const patched = await patch(await begin(), 0, 300);

      const status = await client.send('GET', locationOf(patched));

      expect([status.status, status.headers.get('range')]).toEqual([204, '0-299']);
    });
    it(`${differences.checksContentRange ? 'rejects' : 'takes'} a chunk that leaves a gap`, async () => {
      expect((await patch(await begin(), 100, 200)).status).toBe(differences.checksContentRange ? 416 : 202);
    });
    it('rejects another digest than the content has', async () => {
      const done = await finish(await begin(), digestOf('something else'), bytes);

      expect(await refusal(done)).toEqual([400, 'DIGEST_INVALID']);
      expect((await client.send('HEAD', `/v2/${repository}/blobs/${digest}`)).status).toBe(404);
    });
    it('forgets a cancelled session', async () => {
      const location = await begin();

      expect((await client.send('DELETE', location)).status).toBe(204);
      expect(await refusal(await client.send('GET', location))).toEqual([404, 'BLOB_UPLOAD_UNKNOWN']);
    });
    it('mounts a blob of another repository', async () => {
      await client.pushBlob('org/source', { digest, bytes });

      const mounted = await client.send('POST', `/v2/${repository}/blobs/uploads/?mount=${digest}&from=org/source`);

      expect([mounted.status, mounted.headers.get('docker-content-digest')]).toEqual([201, digest]);
      expect(await client.getBlob(repository, digest)).toEqual(bytes);
    });
    it.each([
      ['doesn\'t have it', `mount=${digestOf('missing')}&from=org/source`],
      ['isn\'t named', `mount=${digest}`],
    ])('starts an upload instead of a mount when the source %s', async (_why, query) => {
      await client.pushBlob('org/source', { digest, bytes });

      expect((await client.send('POST', `/v2/${repository}/blobs/uploads/?${query}`)).status).toBe(202);
    });
  });

  describe('manifests', () => {
    const attested = buildxIndex();
    const top = image({ docker: true });

    const kinds: [string, Manifest][] = [
      ['an OCI image', image()],
      ['an image of Docker\'s types', top],
      ['an image of many layers', image({ layers: 20, layerBytes: 64 })],
      ['an image with a layer of no bytes', image({ layers: [layer({ layerBytes: 0 })] })],
      ['a zstd image', image({ zstd: true })],
      ['an image with a foreign layer',
        image({ docker: true, layers: [layer({ docker: true }), foreignLayer({ docker: true })] })],
      ['an OCI image with a non-distributable layer', image({ layers: [foreignLayer()] })],
      ['an index with attestations', attested],
      ['a manifest list',
        index([image({ docker: true }), image({ docker: true, platform: 'linux/arm/v7' })], { docker: true })],
      ['a nested index', nestedIndex()],
      ['a cosign signature', cosignSignature(top)],
      ['a cosign attestation', cosignAttestation(top)],
      ['an attestation alone', attestationOf(top)],
      ['a referrers index without platforms', referrersIndex([referrer(top), referrer(top, { seed: 2 })])],
      ['an artifact with a subject', referrer(top)],
      ['a Helm chart', helmChart()],
    ];

    it.each(kinds)('keeps %s byte for byte, by tag and by digest', async (_kind, content) => {
      await client.push(repository, content, 'v1');

      for (const reference of ['v1', content.digest]) {
        expect(await client.getManifest(repository, reference))
          .toEqual({ digest: content.digest, mediaType: content.mediaType, bytes: content.bytes });
      }
    });

    it('answers HEAD with type, size and digest', async () => {
      await client.push(repository, top, 'v1');
      const { status, headers } = await client.send('HEAD', `/v2/${repository}/manifests/v1`, {
        accept: top.mediaType,
      });
      expect([status, headers.get('content-type'), headers.get('content-length'), headers.get('docker-content-digest')])
        .toEqual([200, top.mediaType, String(top.bytes.length), top.digest]);
    });

    it('names location and digest of what was put', async () => {
      await client.push(repository, top, 'v1');

      const again = await put('v2', top.mediaType, top.bytes);

      expect([again.status, again.headers.get('docker-content-digest')]).toEqual([201, top.digest]);
      expect(locationOf(again)).toContain(`/v2/${repository}/manifests/${top.digest}`);
    });

    it('moves a tag', async () => {
      const other = image({ docker: true, seed: 'other' });
      await client.push(repository, top, 'latest');
      await client.push(repository, other, 'latest');

      expect(await client.manifestDigest(repository, 'latest')).toBe(other.digest);
      expect(await client.manifestDigest(repository, top.digest)).toBe(top.digest);
    });

    it.each([['tag', 'missing'], ['digest', digestOf('missing')]])(
      'rejects an unknown %s',
      async (_kind, reference) => {
        await client.push(repository, top, 'v1');

        expect(await refusal(await client.send('GET', `/v2/${repository}/manifests/${reference}`)))
          .toEqual([404, 'MANIFEST_UNKNOWN']);
      },
    );

    it('rejects a digest that the bytes don\'t have', async () => {
      await client.push(repository, top, 'v1');

      expect(await refusal(await put(digestOf('other'), top.mediaType, top.bytes))).toEqual([400, 'DIGEST_INVALID']);
    });

    it('rejects an image before its blobs', async () => {
      expect(await refusal(await put('v1', top.mediaType, top.bytes))).toEqual([400, 'MANIFEST_BLOB_UNKNOWN']);
      expect(await client.manifestDigest(repository, 'v1')).toBeUndefined();
    });

    it('rejects an index before its children', async () => {
      expect(await refusal(await put('v1', attested.mediaType, attested.bytes)))
        .toEqual([400, 'MANIFEST_BLOB_UNKNOWN']);
    });

    it('rejects a Content-Type that the manifest contradicts', async () => {
      await client.push(repository, image(), 'v1');

      expect((await put('v2', OCI.index, image().bytes)).status).toBe(400);
    });

    it('rejects what isn\'t JSON', async () => {
      expect(await refusal(await put('v1', OCI.manifest, Buffer.from('{"schemaVersion":'))))
        .toEqual([400, 'MANIFEST_INVALID']);
    });

    it(`${differences.anyMediaType ? 'keeps' : 'rejects'} a manifest of a type of its own`, async () => {
      const bytes = Buffer.from([0xff, 0xfe, 0x00, 0x0a, 0x0d]);

      expect((await put('v1', 'application/vnd.example.unknown', bytes)).status)
        .toBe(differences.anyMediaType ? 201 : 400);
      expect((await client.getManifest(repository, 'v1'))?.bytes).toEqual(differences.anyMediaType ? bytes : undefined);
    });

    it('deletes by digest, and the tags with it', async () => {
      await client.push(repository, top, 'v1', 'v2');
      await client.push(repository, image({ seed: 'stays' }), 'v3');

      expect((await client.send('DELETE', `/v2/${repository}/manifests/${top.digest}`)).status).toBe(202);
      expect(await client.listTags(repository)).toEqual(['v3']);
      expect(await client.manifestDigest(repository, top.digest)).toBeUndefined();
    });

    it(`${differences.deletesTags ? 'deletes' : 'rejects deletion of'} a tag alone`, async () => {
      await client.push(repository, top, 'v1', 'v2');

      expect((await client.send('DELETE', `/v2/${repository}/manifests/v1`)).ok).toBe(differences.deletesTags);
      expect((await client.listTags(repository)).sort()).toEqual(differences.deletesTags ? ['v2'] : ['v1', 'v2']);
      expect(await client.manifestDigest(repository, top.digest)).toBe(top.digest);
    });
  });

  describe('lists', () => {
    it('lists every tag once', async () => {
      await client.push(repository, image(), 'b', 'a', 'B', '1.0');
      await client.push(repository, image({ seed: 2 }), 'a');

      expect((await client.listTags(repository)).sort()).toEqual(['1.0', 'B', 'a', 'b']);
    });

    it('rejects the tags of an unknown repository', async () => {
      expect(await refusal(await client.send('GET', `/v2/${repository}/tags/list`))).toEqual([404, 'NAME_UNKNOWN']);
    });

    (differences.tagPages ? it : it.failing)('pages through tags in lexical order', async () => {
      await client.push(repository, image(), 'b', 'a', 'd', 'c', 'e');

      const page = await client.send('GET', `/v2/${repository}/tags/list?n=2&last=a`);

      expect(await page.json()).toEqual({ name: repository, tags: ['b', 'c'] });
      expect(page.headers.get('link')).toBe(`</v2/${repository}/tags/list?n=2&last=c>; rel="next"`);
      expect(await client.listTags(repository, 2)).toEqual(['a', 'b', 'c', 'd', 'e']);
    });

    it('lists repositories, page by page', async () => {
      await client.push(`${repository}/nested`, image(), 'v1');
      await client.push(repository, image(), 'v1');
      const names: string[] = [];
      let next: string | undefined = '/v2/_catalog?n=3';
      while (next !== undefined) {
        const page: Response = await client.send('GET', next);
        names.push(...(await page.json() as { repositories: string[] }).repositories);
        next = /<(.+)>/.exec(page.headers.get('link') ?? '')?.[1];
      }

      expect(names).toEqual(expect.arrayContaining([repository, `${repository}/nested`]));
      expect(new Set(names).size).toBe(names.length);
    });
  });

  describe('referrers', () => {
    it(`${differences.referrers ? 'lists' : 'rejects a list of'} what refers to a digest`, async () => {
      const target = image();
      const artifact = referrer(target);
      await client.push(repository, target, 'v1');
      await client.push(repository, artifact);

      const response = await client.send('GET', `/v2/${repository}/referrers/${target.digest}`);

      expect(response.status).toBe(differences.referrers ? 200 : 404);
      if (differences.referrers) {
        expect(await response.json()).toMatchObject({
          manifests: [{
            mediaType: artifact.mediaType,
            digest: artifact.digest,
            size: artifact.bytes.length,
            artifactType: artifact.artifactType,
          }],
        });
      }
    });
  });

  it('keeps its promises to many clients at once', async () => {
    const images = Array.from({ length: 8 }, (_, seed) => buildxIndex({ seed }));

    await Promise.all(images.map((top, at) => client.push(repository, top, `v${at}`, 'latest')));

    expect(await Promise.all(images.map((_, at) => client.manifestDigest(repository, `v${at}`))))
      .toEqual(images.map(top => top.digest));
    expect(images.map(top => top.digest)).toContain(await client.manifestDigest(repository, 'latest'));
    for (const part of images.flatMap(withDescendants)) {
      expect(await client.manifestDigest(repository, part.digest)).toBe(part.digest);
    }
  });
});

function locationOf(response: Response): string {
  const location = response.headers.get('location');
  if (location === null) { throw new Error(`${response.status} from ${response.url} has no Location`); }
  return location;
}

async function refusal(response: Response): Promise<[number, string]> {
  const { errors } = await response.json() as { errors: { code: string; message: string }[] };
  return [response.status, errors[0]?.code ?? 'none'];
}
