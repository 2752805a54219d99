import { createServer, IncomingMessage, RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Connections } from '../../../../lambda/sync/registry/connections';

let server: Server;
let connections: Connections;
let opened: number;
beforeEach(() => { connections = new Connections(); });
afterEach(async () => {
  connections.close();
  server.closeAllConnections();
  await new Promise(resolve => { server.close(resolve); });
});

async function serve(listener: RequestListener): Promise<URL> {
  opened = 0;
  server = createServer(listener).on('connection', () => { opened++; });
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve); });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}

async function text(answer: IncomingMessage): Promise<string> {
  let all = '';
  for await (const chunk of answer) { all += String(chunk); }
  return all;
}

async function* chunks(count: number, size: number): AsyncGenerator<Buffer> {
  for (let n = 0; n < count; n++) { yield await Promise.resolve(Buffer.alloc(size, n)); }
}

test('one connection serves one request after the other', async () => {
  const url = await serve((_, response) => { response.end('ok'); });
  for (let n = 0; n < 5; n++) { expect(await text(await connections.send(url, {}))).toBe('ok'); }
  expect(opened).toBe(1);
});

test('sends a stream with its length', async () => {
  let [length, received] = ['', 0];
  const url = await serve((request, response) => {
    length = String(request.headers['content-length']);
    request.on('data', (chunk: Buffer) => {
      received += chunk.length;
    }).on('end', () => { response.writeHead(201).end(); });
  });
  const answer = await connections.send(
    url,
    { method: 'PUT', headers: { 'content-length': 3_000_000 }, body: chunks(30, 100_000) },
  );
  expect([answer.statusCode, length, received]).toEqual([201, '3000000', 3_000_000]);
  answer.resume();
});

test('a request that finds its kept connection closed is sent again over a new one', async () => {
  const url = await serve((request, response) => {
    response.end('ok');
    // The answer says nothing of it: this is what a proxy's idle timeout looks like.
    request.socket.once('data', () => { request.socket.resetAndDestroy(); });
  });
  for (let n = 0; n < 3; n++) { expect(await text(await connections.send(url, {}))).toBe('ok'); }
  expect(opened).toBeGreaterThan(1);
});

test('fails when a new connection is reset', async () => {
  const url = await serve(request => { request.socket.resetAndDestroy(); });
  await expect(connections.send(url, {})).rejects.toMatchObject({ code: 'ECONNRESET' });
  expect(opened).toBe(1);
});

test('an answer that comes before the body has ended is the answer', async () => {
  const url = await serve((_, response) => { response.writeHead(403).end('no'); });
  let ended = false;
  async function* endless(): AsyncGenerator<Buffer> {
    try {
      for (;;) { yield await new Promise<Buffer>(resolve => { setTimeout(() => resolve(Buffer.alloc(10_000)), 1); }); }
    } finally {
      ended = true;
    }
  }
  const answer = await connections.send(
    url,
    { method: 'PUT', headers: { 'content-length': 10 ** 12 }, body: endless() },
  );
  expect([answer.statusCode, await text(answer)]).toEqual([403, 'no']);
  await new Promise(resolve => { setTimeout(resolve, 50); });
  expect(ended).toBe(true);
});

test('fails with what the body fails with', async () => {
  const url = await serve(request => { request.resume().on('error', () => undefined); });
  async function* broken(): AsyncGenerator<Buffer> {
    yield Buffer.alloc(10);
    await Promise.reject(new Error('the source is gone'));
  }
  await expect(connections.send(url, { method: 'PUT', headers: { 'content-length': 100 }, body: broken() }))
    .rejects.toThrow('the source is gone');
});

test('fails when it is told to stop', async () => {
  const url = await serve(() => undefined);
  const stop = new AbortController();
  const sending = connections.send(url, { signal: stop.signal });
  stop.abort();
  await expect(sending).rejects.toMatchObject({ name: 'AbortError' });
});

test('opens at most 160 connections to a host, and sends the other requests when one is free', async () => {
  const url = await serve((_, response) => { setTimeout(() => response.end('ok'), 20); });
  const answers = await Promise.all(Array.from({ length: 400 }, async () => text(await connections.send(url, {}))));
  expect(answers).toEqual(Array(400).fill('ok'));
  expect(opened).toBeLessThanOrEqual(160);
});
