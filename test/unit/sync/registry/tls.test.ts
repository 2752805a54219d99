import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, Server } from 'node:tls';
import { promisify } from 'node:util';
import type { HttpServer } from '../../../../sandbox/http-server';
import { RegistryClient } from '../../../../sandbox/registry/client';
import { image, layer } from '../../../../sandbox/registry/images';
import { startRegistry } from '../../../../sandbox/registry/registry';

/** This machine, under an address that no tool takes for loopback: registries there speak TLS, as all others do. */
const ADDRESS = '0.0.0.0';

const content = image({ layers: [layer({ seed: 'tls', layerBytes: 2_000_000 })] });

let directory: string;
let registry: HttpServer;
let front: Server;
let connections: number;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tls-test-'));
  execFileSync('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '1',
    '-subj',
    '/CN=registry',
    '-addext',
    `subjectAltName=IP:${ADDRESS}`,
    '-keyout',
    join(directory, 'key.pem'),
    '-out',
    join(directory, 'cert.pem'),
  ], { stdio: 'ignore' });
  registry = await startRegistry();
  await new RegistryClient(registry).push('my-org/app', content, '1');
  front = createServer(
    { key: readFileSync(join(directory, 'key.pem')), cert: readFileSync(join(directory, 'cert.pem')) },
    socket => {
      connections++;
      const plain = connect(Number(registry.host.split(':')[1]), '127.0.0.1');
      socket.pipe(plain).pipe(socket);
      [socket, plain].forEach(end => end.on('error', () => { socket.destroy(); plain.destroy(); }));
    },
  );
  // A client that refuses the certificate hangs up: that is its business.
  front.on('tlsClientError', () => undefined);
  await new Promise<void>(resolve => { front.listen(0, '127.0.0.1', resolve); });
});
afterAll(async () => {
  await new Promise(resolve => { front.close(resolve); });
  await registry.close();
  rmSync(directory, { recursive: true });
});
beforeEach(() => { connections = 0; });

async function move(to: string, environment: Readonly<Record<string, string>>): Promise<string> {
  const host = `${ADDRESS}:${(front.address() as AddressInfo).port}`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', join(__dirname, 'tls-client.ts'), host, 'my-org/app', content.digest, to],
    {
      env: { ...process.env, ...environment },
    },
  );
  return stdout;
}

test('moves images between registries that speak TLS, over connections that are kept', async () => {
  const stdout = await move('mirror/app', { NODE_EXTRA_CA_CERTS: join(directory, 'cert.pem') });
  expect(stdout.trim().split('\n')).toEqual(content.blobs.map(({ digest, bytes }) => `${digest} ${bytes.length}`));
  for (const { digest, bytes } of content.blobs) {
    expect((await new RegistryClient(registry).getBlob('mirror/app', digest))?.equals(bytes)).toBe(true);
  }
  // One to read, and one to write beside it.
  expect(connections).toBe(2);
});

test('fails when the certificate is not trusted', async () => {
  await expect(move('mirror/other', {})).rejects.toThrow(/connection failed: .*self-signed certificate/);
});
