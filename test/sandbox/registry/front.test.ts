import { createServer, IncomingMessage, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Faults } from '../../../sandbox/faults';
import { HttpServer, serve } from '../../../sandbox/http-server';
import { RegistryClient } from '../../../sandbox/registry/client';
import { errorCode } from '../../../sandbox/registry/error-code';
import { FrontPolicy, ManifestPut, ociError, RegistryRequest, startFront } from '../../../sandbox/registry/front';
import { image, layer } from '../../../sandbox/registry/images';
import { startRegistry } from '../../../sandbox/registry/registry';

const PASS: FrontPolicy = { check: () => undefined };
const open: { close(): Promise<void> }[] = [];

async function closing<T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> {
  const started = await starting;
  open.unshift(started);
  return started;
}

/** A front with this policy over a registry of its own. */
async function front(policy: FrontPolicy = PASS, faults?: Faults): Promise<{ front: HttpServer; backing: HttpServer }> {
  const backing = await closing(startRegistry());
  return { backing, front: await closing(startFront({ backing, policy, faults })) };
}

afterEach(async () => {
  for (const { close } of open.splice(0)) { await close(); }
});

describe('check', () => {
  it.each<[string, string, Partial<RegistryRequest>]>([
    ['GET', '/v2/', { kind: 'ping', repository: '', reference: '' }],
    ['HEAD', '/v2/a/b/manifests/v1', { kind: 'manifest', repository: 'a/b', reference: 'v1' }],
    ['GET', '/v2/a/blobs/sha256:1', { kind: 'blob', repository: 'a', reference: 'sha256:1' }],
    ['POST', '/v2/a/b/c/blobs/uploads/', { kind: 'upload', repository: 'a/b/c', reference: '' }],
    ['PATCH', '/v2/a/blobs/uploads/id?state=x', { kind: 'upload', repository: 'a', reference: 'id' }],
    ['GET', '/v2/a/tags/list?n=3', { kind: 'tags', repository: 'a', reference: '' }],
    ['GET', '/v2/a/referrers/sha256:1', { kind: 'referrers', repository: 'a', reference: 'sha256:1' }],
    ['GET', '/v2/_catalog', { kind: 'other', repository: '', reference: '' }],
  ])('sees what %s %s asks for', async (method, path, expected) => {
    const seen: RegistryRequest[] = [];
    const refused = { check: (asked: RegistryRequest) => { seen.push(asked); return ociError(403, 'DENIED', 'no'); } };
    const server = (await front(refused)).front;

    await (await fetch(`${server.url}${path}`, { method, headers: { 'x-mark': 'here' } })).arrayBuffer();

    expect(seen).toMatchObject([{ method, ...expected, headers: { 'x-mark': 'here' } }]);
    expect(seen[0]?.query.toString()).toBe(path.split('?')[1] ?? '');
  });

  it('refuses before the backing registry hears of it', async () => {
    const { front: server, backing } = await front({
      check: () => ociError(403, 'DENIED', 'not today', { 'x-why': 'policy' }),
    });

    const response = await fetch(`${server.url}/v2/a/manifests/v1`);

    expect([response.status, response.headers.get('x-why'), await response.json()])
      .toEqual([403, 'policy', { errors: [{ code: 'DENIED', message: 'not today' }] }]);
    expect(backing.requests).toEqual([]);
  });
});

describe('a manifest PUT', () => {
  const content = image();

  /** The manifest's blobs are there already. */
  async function prepared(policy: Partial<FrontPolicy>): Promise<RegistryClient> {
    const { front: server, backing } = await front({ ...PASS, ...policy });
    await new RegistryClient(backing).push('a/b', content, 'prepared');
    return new RegistryClient(server);
  }

  it('is shown before and after, with the digest of its bytes', async () => {
    const seen: [string, ManifestPut][] = [];
    const client = await prepared({
      beforePut: put => { seen.push(['before', put]); return undefined; },
      afterPut: put => { seen.push(['after', put]); },
    });

    await client.putManifest('a/b', 'v1', content);

    const put = {
      repository: 'a/b',
      reference: 'v1',
      digest: content.digest,
      mediaType: content.mediaType,
      bytes: content.bytes,
    };
    expect(seen).toEqual([['before', put], ['after', put]]);
  });

  it('is not stored when the policy refuses it', async () => {
    const client = await prepared({
      beforePut: () => ociError(400, 'TAG_INVALID', 'The image tag \'v1\' already exists'),
      afterPut: fail,
    });

    await expect(client.putManifest('a/b', 'v1', content)).rejects.toThrow('already exists');
    expect(await client.manifestDigest('a/b', 'v1')).toBeUndefined();
  });

  it('is not reported when the backing registry refuses it', async () => {
    const client = await prepared({ afterPut: fail });

    await expect(client.putManifest('a/b', 'v1', image({ seed: 'without blobs' })))
      .rejects.toThrow('MANIFEST_BLOB_UNKNOWN');
  });

  it('is answered after its report', async () => {
    const order: string[] = [];
    const client = await prepared({ afterPut: async () => { await sleep(20); order.push('reported'); } });

    await client.putManifest('a/b', 'v1', content);
    order.push('answered');

    expect(order).toEqual(['reported', 'answered']);
  });

  function fail(): void {
    throw new Error('a manifest that was refused must not be reported');
  }
});

describe('streams', () => {
  it('an upload while it is still being sent', async () => {
    const arrived = signal();
    const backing = await closing(serve(async (request, response) => {
      for await (const chunk of request) { arrived.give(String(chunk)); }
      response.writeHead(202).end();
    }));
    const server = await closing(startFront({ backing, policy: PASS }));
    const request = httpRequest(`${server.url}/v2/a/blobs/uploads/id`, { method: 'PATCH' });
    const answer = new Promise<IncomingMessage>(resolve => request.once('response', resolve));

    request.write('first');
    expect(await arrived.value).toBe('first');
    request.end('second');

    expect((await answer).resume().statusCode).toBe(202);
  });

  it('a download while it is still being read', async () => {
    const seen = signal();
    const backing = await closing(serve(async (_request, response) => {
      response.write('first');
      await seen.value;
      response.end('second');
    }));
    const server = await closing(startFront({ backing, policy: PASS }));

    const response = await fetch(`${server.url}/v2/a/blobs/sha256:1`);
    const parts: string[] = [];
    for await (const chunk of response.body ?? []) {
      parts.push(Buffer.from(chunk as Uint8Array).toString());
      seen.give('read');
    }

    expect(parts).toEqual(['first', 'second']);
  });
});

describe('passes on', () => {
  it('the size of an answer to HEAD', async () => {
    const { front: server, backing } = await front();
    await new RegistryClient(backing).push('a', image(), 'v1');

    const head = await fetch(`${server.url}/v2/a/manifests/v1`, { method: 'HEAD' });

    expect(head.headers.get('content-length')).toBe(String(image().bytes.length));
  });

  it('no credentials', async () => {
    const seen: unknown[] = [];
    const backing = await closing(serve((request, response) => {
      seen.push(request.headers.authorization);
      response.end();
    }));
    const server = await closing(startFront({ backing, policy: PASS }));

    await (await fetch(`${server.url}/v2/`, { headers: { authorization: 'Bearer secret' } })).text();

    expect(seen).toEqual([undefined]);
  });

  it('a Location as one on the front', async () => {
    const backing = await closing(serve((request, response) => {
      response.writeHead(202, { location: `http://${request.headers.host ?? ''}/v2/a/blobs/uploads/id?state=x` }).end();
    }));
    const server = await closing(startFront({ backing, policy: PASS }));

    const response = await fetch(`${server.url}/v2/a/blobs/uploads/`, { method: 'POST' });

    expect(response.headers.get('location')).toBe(`${server.url}/v2/a/blobs/uploads/id?state=x`);
  });

  it('many requests over few connections', async () => {
    let connections = 0;
    const listener = createServer((_request, response) => response.end());
    listener.on('connection', () => connections++);
    await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve));
    open.unshift({
      close: () => new Promise(resolve => { listener.close(() => resolve()); listener.closeAllConnections(); }),
    });
    const server = await closing(startFront({ backing: { url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}` }, policy: PASS }));

    for (let at = 0; at < 20; at++) { await (await fetch(`${server.url}/v2/`)).text(); }

    expect(connections).toBe(1);
  });

  it('a refusal that comes before the end of an upload', async () => {
    const backing = await closing(serve((_request, response) => { response.writeHead(404).end(); }));
    const server = await closing(startFront({ backing, policy: PASS }));
    const response = await fetch(
      `${server.url}/v2/a/blobs/uploads/id`,
      { method: 'PATCH', body: Buffer.alloc(2_000_000) },
    );
    expect(response.status).toBe(404);
  });
});

describe('breaks off', () => {
  const large = image({ layers: [layer({ layerBytes: 2_000_000 })] });
  const digest = large.blobs[1]?.digest ?? '';

  it('fails the client when the backing registry resets', async () => {
    const faults = new Faults().add({ path: /manifests/, fault: { kind: 'reset' } });
    const backing = await closing(startRegistry({ faults }));
    const server = await closing(startFront({ backing, policy: PASS }));

    await expect(fetch(`${server.url}/v2/a/manifests/v1`)).rejects.toThrow('fetch failed');
  });

  it('fails the client when a download is cut on its way to the front', async () => {
    const faults = new Faults().add({ method: 'GET', path: /blobs/, fault: { kind: 'truncate', afterBytes: 1000 } });
    const backing = await closing(startRegistry({ faults }));
    const server = await closing(startFront({ backing, policy: PASS }));
    await new RegistryClient(backing).push('a', large, 'v1');

    await expect(download(`${server.url}/v2/a/blobs/${digest}`)).rejects.toBeDefined();
  });

  it('ends the request to the backing registry when the client leaves', async () => {
    const ended = signal();
    const backing = await closing(serve((request, response) => {
      response.writeHead(200);
      response.write('begun');
      request.socket.once('close', () => ended.give('closed'));
    }));
    const server = await closing(startFront({ backing, policy: PASS }));
    const request = httpRequest(`${server.url}/v2/a/blobs/sha256:1`);
    request.once('response', (response: IncomingMessage) => response.once('data', () => request.destroy()));
    request.on('error', error => { if (errorCode(error) !== 'ECONNRESET') { throw error; } });
    request.end();

    expect(await ended.value).toBe('closed');
  });

  it('goes on serving after a client left in the middle of a manifest', async () => {
    const { front: server } = await front();
    const request = httpRequest(
      `${server.url}/v2/a/manifests/v1`,
      { method: 'PUT', headers: { 'content-length': '100' } },
    );
    request.on('error', error => { if (errorCode(error) !== 'ECONNRESET') { throw error; } });
    await new Promise<void>(resolve => request.write('{', () => resolve()));
    request.destroy();

    expect((await fetch(`${server.url}/v2/`)).status).toBe(200);
  });
});

describe('outside of /v2/', () => {
  it('leaves paths to the policy', async () => {
    const server = (await front({
      ...PASS,
      other: (request, response) => { response.end(`mine: ${request.url}`); return true; },
    })).front;

    expect(await (await fetch(`${server.url}/token?x=1`)).text()).toBe('mine: /token?x=1');
  });

  it('rejects what the policy doesn\'t answer', async () => {
    expect((await fetch(`${(await front()).front.url}/token`)).status).toBe(404);
  });
});

function signal(): { readonly value: Promise<string>; give(value: string): void } {
  let give: (value: string) => void = () => undefined;
  const value = new Promise<string>(resolve => { give = resolve; });
  return { value, give };
}

async function download(url: string): Promise<Buffer> {
  return Buffer.from(await (await fetch(url)).arrayBuffer());
}
