import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { referrer } from '../../../sandbox/registry/artifacts';
import { RegistryClient } from '../../../sandbox/registry/client';
import { digestOf } from '../../../sandbox/registry/digest';
import { errorCode } from '../../../sandbox/registry/error-code';
import { startFront } from '../../../sandbox/registry/front';
import { descriptor, image, index, manifest, blob, OCI, seededBytes } from '../../../sandbox/registry/images';
import { MAX_MANIFEST_BYTES } from '../../../sandbox/registry/manifests';
import { Registry, startRegistry } from '../../../sandbox/registry/registry';

let registry: Registry;
let client: RegistryClient;

beforeAll(async () => {
  registry = await startRegistry();
  client = new RegistryClient(registry);
});
afterAll(() => registry.close());

async function begin(repository = 'org/app'): Promise<string> {
  return (await client.send('POST', `/v2/${repository}/blobs/uploads/`)).headers.get('location') ?? '';
}

describe('uploads', () => {
  it('hold what was sent, however it is cut into chunks, over a front as well', async () => {
    const front = await startFront({ backing: registry, policy: { check: () => undefined } });
    const doors = [client, new RegistryClient(front)];
    try {
      await fc.assert(fc.asyncProperty(fc.uint8Array({
        maxLength: 5000,
      }), fc.array(fc.nat(5000), { maxLength: 6 }), fc.boolean(), fc.nat(1),
      async (content, cuts, ranges, door) => {
        const bytes = Buffer.from(content);
        const by = doors[door] ?? client;
        const ends = [...cuts.map(cut => Math.min(cut, bytes.length)), bytes.length].sort((a, b) => a - b);
        let location = await begin();
        let from = 0;
        for (const to of ends.slice(0, -1).filter((end, at) => end > (ends[at - 1] ?? 0))) {
          const range: Record<string, string> = ranges ? { 'content-range': `${from}-${to - 1}` } : {};
          const patched = await by.send('PATCH', location, range, bytes.subarray(from, to));
          expect([patched.status, patched.headers.get('range')]).toEqual([202, `0-${to - 1}`]);
          [location, from] = [patched.headers.get('location') ?? '', to];
        }
        const done = await by.send('PUT', `${location}?digest=${digestOf(bytes)}`, {}, bytes.subarray(from));
        expect(done.status).toBe(201);
        expect(digestOf(await by.getBlob('org/app', digestOf(bytes)) ?? 'absent')).toBe(digestOf(bytes));
      }), { numRuns: 40 });
    } finally {
      await front.close();
    }
  });

  it('go on where a lost connection left them', async () => {
    const bytes = seededBytes('resumed', 200_000);
    const location = await begin();
    await sendPart(`${registry.url}${location}`, bytes.subarray(0, 100_000), bytes.length);

    const arrived = await arrivedSoFar(location);
    const done = await client.send('PUT', `${location}?digest=${digestOf(bytes)}`, {}, bytes.subarray(arrived));

    expect(done.status).toBe(201);
  });

  it('take a blob in a single POST', async () => {
    const bytes = seededBytes('single', 100);

    expect((await client.send('POST', `/v2/org/app/blobs/uploads/?digest=${digestOf(bytes)}`, {}, bytes)).status)
      .toBe(201);
    expect(await client.getBlob('org/app', digestOf(bytes))).toEqual(bytes);
  });

  it('verify sha512', async () => {
    const bytes = seededBytes('sha512', 100);

    expect((await client.send('PUT', `${await begin()}?digest=${digestOf(bytes, 'sha512')}`, {}, bytes)).status)
      .toBe(201);
    expect((await client.send('PUT', `${await begin()}?digest=${digestOf('other', 'sha512')}`, {}, bytes)).status)
      .toBe(400);
  });

  it('reject a session of another repository', async () => {
    const location = await begin('org/app');

    expect((await client.send('GET', location.replace('org/app', 'org/other'))).status).toBe(404);
  });

  it('leave no file behind when the digest is wrong', async () => {
    const before = readdirSync(join(registry.directory, '_incoming')).length;
    await client.send('PUT', `${await begin()}?digest=${digestOf('other')}`, {}, Buffer.from('content'));

    expect(readdirSync(join(registry.directory, '_incoming')).length).toBe(before);
  });

  it('share the file of a mounted blob', async () => {
    const content = blob('application/octet-stream', seededBytes('mounted', 100));
    await client.pushBlob('org/from', content);
    await client.send('POST', `/v2/org/to/blobs/uploads/?mount=${content.digest}&from=org/from`);
    await client.send('DELETE', `/v2/org/from/blobs/${content.digest}`);

    expect(await client.getBlob('org/to', content.digest)).toEqual(content.bytes);
  });
});

describe('memory', () => {
  // Counts the memory that is alive. The amount that awaits collection differs between versions of Node.
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const MIB = 1024 * 1024;
  /** The least of several looks: V8 gives buffers back some time after the collection that found them dead. */
  const alive = async (): Promise<number> => {
    let least = Infinity;
    for (let look = 0; look < 5; look++) {
      collect();
      await sleep(5);
      least = Math.min(least, process.memoryUsage().arrayBuffers);
    }
    return least;
  };

  it.each(['registry', 'front'])('of a %s doesn\'t grow with the size of an upload', async door => {
    const front = await startFront({ backing: registry, policy: { check: () => undefined } });
    try {
      const location = await begin();
      const before = await alive();
      // Not with `fetch`, which keeps all of a streamed body itself: it would be the sender's memory that is measured.
      const request = httpRequest(`${door === 'front' ? front.url : registry.url}${location}`, { method: 'PATCH' });
      const answered = new Promise<string>((resolve, reject) => {
        request.once('response', response => resolve(response.resume().headers.range ?? '')).once('error', reject);
      });
      for (let sent = 0; sent < 64; sent++) {
        if (!request.write(Buffer.alloc(MIB, sent))) { await new Promise(resolve => request.once('drain', resolve)); }
      }
      const during = await alive();
      request.end();

      expect(await answered).toBe(`0-${64 * MIB - 1}`);
      expect(during - before).toBeLessThan(16 * MIB);
    } finally {
      await front.close();
    }
  });
});

describe('manifests', () => {
  it('reject more than 4 MiB', async () => {
    const large = { mediaType: 'application/vnd.example', bytes: Buffer.alloc(MAX_MANIFEST_BYTES + 1) };

    await expect(client.putManifest('org/app', 'large', large)).rejects.toThrow('413');
  });

  it('reject a missing media type', async () => {
    expect((await client.send('PUT', '/v2/org/app/manifests/v1', {}, image().bytes)).status).toBe(400);
  });

  it.each(['.hidden', 'a%20b', 'sha256:short', 'x'.repeat(129)])('reject %s as a reference', async reference => {
    const content = image();
    await client.push('org/app', content);

    expect((await client.send(
      'PUT',
      `/v2/org/app/manifests/${reference}`,
      { 'content-type': content.mediaType },
      content.bytes,
    )).status).toBe(400);
    expect((await client.send('GET', `/v2/org/app/manifests/${reference}`)).status).toBe(404);
  });

  it('keep a child that is only named by an index of blobs, as a cache export of buildx has it', async () => {
    const content = blob(OCI.layerGzip, seededBytes('cache', 100));
    await client.pushBlob('org/cache', content);
    const cache = index([{
      ...manifest(content.mediaType, content, []),
      digest: content.digest,
      bytes: content.bytes,
    }]);

    await client.putManifest('org/cache', 'cache', cache);

    expect(await client.manifestDigest('org/cache', 'cache')).toBe(cache.digest);
  });

  it('show a reader one of two versions of a tag while it moves', async () => {
    const versions = [image({ seed: 'one' }), image({ seed: 'two' })];
    for (const version of versions) { await client.push('org/moving', version, 'latest'); }

    const moves = Array.from({ length: 40 }, (_, at) => client.putManifest(
      'org/moving',
      'latest',
      versions[at % 2] ?? image(),
    ));
    const reads = await Promise.all(Array.from({ length: 40 }, () => client.manifestDigest('org/moving', 'latest')));
    await Promise.all(moves);

    for (const digest of reads) { expect(versions.map(version => version.digest)).toContain(digest); }
  });
});

describe('names', () => {
  it.each(['Upper/app', 'a//b', 'a/-b', '../etc', 'a/%2e%2e/b', 'a/_blobs', 'x'.repeat(256)])(
    'reject %s',
    async name => {
      expect((await raw(`/v2/${name}/tags/list`)).status).not.toBe(200);
      expect((await raw(`/v2/${name}/blobs/uploads/`, 'POST')).status).toBeGreaterThanOrEqual(400);
    },
  );

  it('reject a broken percent-encoding', async () => {
    expect((await raw('/v2/%zz/tags/list')).status).toBe(400);
  });
});

describe('referrers', () => {
  const target = image({ seed: 'target' });
  const sbom = referrer(target, { artifactType: 'application/vnd.example.sbom' });
  const signature = referrer(target, { artifactType: 'application/vnd.example.signature' });
  const list = async (query = ''): Promise<{ filters: string | null; digests: string[] }> => {
    const response = await client.send('GET', `/v2/org/referred/referrers/${target.digest}${query}`);
    const { manifests } = await response.json() as { manifests: { digest: string }[] };
    return {
      filters: response.headers.get('oci-filters-applied'),
      digests: manifests.map(({ digest }) => digest).sort(),
    };
  };

  beforeAll(async () => {
    for (const artifact of [sbom, signature]) { await client.push('org/referred', artifact); }
  });

  it('are listed even before their subject is there', async () => {
    expect(await list()).toEqual({ filters: null, digests: [sbom.digest, signature.digest].sort() });
  });

  it('are filtered by type', async () => {
    expect(await list('?artifactType=application/vnd.example.sbom'))
      .toEqual({ filters: 'artifactType', digests: [sbom.digest] });
  });

  it('are confirmed at the push', async () => {
    const put = await client.send(
      'PUT',
      `/v2/org/referred/manifests/${sbom.digest}`,
      { 'content-type': sbom.mediaType },
      sbom.bytes,
    );

    expect(put.headers.get('oci-subject')).toBe(descriptor(target).digest);
  });

  it('are gone after deletion', async () => {
    await client.send('DELETE', `/v2/org/referred/manifests/${signature.digest}`);

    expect((await list()).digests).toEqual([sbom.digest]);
  });

  it('have no API where that is switched off, and no confirmation', async () => {
    const without = await startRegistry({ referrers: false });
    try {
      const other = new RegistryClient(without);
      await other.push('org/referred', sbom);
      const put = await other.send(
        'PUT',
        `/v2/org/referred/manifests/${sbom.digest}`,
        { 'content-type': sbom.mediaType },
        sbom.bytes,
      );
      const listed = await other.send('GET', `/v2/org/referred/referrers/${target.digest}`);

      expect([put.headers.get('oci-subject'), listed.status]).toEqual([null, 404]);
    } finally {
      await without.close();
    }
  });
});

describe('a directory', () => {
  it('keeps content over a restart', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'registry-test-'));
    const content = image();
    for (const push of [true, false]) {
      const one = await startRegistry({ directory });
      try {
        if (push) { await new RegistryClient(one).push('org/kept', content, 'v1'); }
        expect(await new RegistryClient(one).manifestDigest('org/kept', 'v1')).toBe(content.digest);
      } finally {
        await one.close();
      }
    }
    rmSync(directory, { recursive: true });
  });
});

/** Unlike `fetch`, it sends the path as it is. */
function raw(path: string, method = 'GET'): Promise<{ status: number }> {
  return new Promise((resolve, reject) => {
    httpRequest(registry.url, { path, method }, response => resolve({ status: response.resume().statusCode ?? 0 }))
      .once('error', reject)
      .end();
  });
}

/** Sends a part of an announced body, then drops the connection. */
async function sendPart(url: string, part: Buffer, announced: number): Promise<void> {
  const request = httpRequest(url, { method: 'PATCH', headers: { 'content-length': String(announced) } });
  request.on('error', error => { if (errorCode(error) !== 'ECONNRESET') { throw error; } });
  await new Promise<void>(resolve => request.write(part, () => resolve()));
  await sleep(20);
  request.destroy();
}

/** Asks until the size is above zero and stays the same. */
async function arrivedSoFar(location: string): Promise<number> {
  for (let last = -1; ;) {
    const range = (await client.send('GET', location)).headers.get('range') ?? '';
    const size = Number(range.split('-')[1]) + 1;
    if (size === last && size > 1) { return size; }
    last = size;
    await sleep(20);
  }
}
