import { World } from './sync-world';
import { blobMover } from '../../../lambda/sync/copy/blobs';
import { Registry } from '../../../lambda/sync/registry/client';
import { Connections } from '../../../lambda/sync/registry/connections';
import { sourceRegistry } from '../../../lambda/sync/registry/source';
import { targetBlobs } from '../../../lambda/sync/registry/target';
import type { Report } from '../../../lambda/sync/report';
import { sync } from '../../../lambda/sync/sync';
import type { Fault } from '../../../sandbox/faults';
import { HttpServer } from '../../../sandbox/http-server';
import { RegistryClient } from '../../../sandbox/registry/client';
import { startGhcr } from '../../../sandbox/registry/ghcr';
import { image } from '../../../sandbox/registry/images';
import { startRegistry } from '../../../sandbox/registry/registry';

/** A usual name, and four that hold a word by which failures are described. */
const PACKAGES = ['app', 'forbidden-page', 'unsupported-demo', 'throttle-proxy', 'docker-socket-proxy'];

const content = image();
const tag = 'unsupported-1.0';

let backing: HttpServer;
let ghcr: HttpServer;
let ecr: HttpServer;
let connections: Connections;
let world: World;
beforeEach(async () => {
  backing = await startRegistry();
  await Promise.all(PACKAGES.map(name => new RegistryClient(backing).push(`my-org/${name}`, content, tag)));
  ghcr = await startGhcr({ backing, allows: () => true });
  ecr = await startRegistry();
  connections = new Connections();
  world = new World();
});
afterEach(async () => {
  connections.close();
  await Promise.all([ghcr, ecr].map(server => server.close()));
  await backing.close();
});

/** Copies the package with the real client over HTTP. */
function run(name: string): Promise<Report> {
  world.listed[name] = [{ digest: content.digest, tags: [tag] }];
  const source = sourceRegistry(
    new Registry({ connections, login: () => ({ host: ghcr.host, user: 'token', password: 'good' }) }),
  );
  const target = targetBlobs(
    new Registry({ connections, login: () => ({ host: ecr.host, user: 'AWS', password: 'any' }), basic: true }),
  );
  return sync([name], { ...world.dependencies, source, blobs: blobMover(source, target, world.dependencies.print) });
}

/** The causes of what was tried again. */
const retries = (): string[] => world.lines.flatMap(line => /^retry .* \((\w+)\): /.exec(line)?.[1] ?? []);

const first = (fault: Fault, path: RegExp): void => {
  ghcr.faults.add({ path, fault });
};

test.each(PACKAGES)('%s is copied after a first answer of 503', async name => {
  first({ kind: 'status', status: 503 }, /manifests/);
  expect(await run(name)).toMatchObject({ copied: 1, failed: 0, refused: 0 });
  expect(retries()).toEqual(['overloaded']);
});

test.each(PACKAGES)('%s is copied after a first connection that is reset', async name => {
  first({ kind: 'reset' }, /manifests/);
  expect(await run(name)).toMatchObject({ copied: 1, failed: 0, refused: 0 });
  expect(retries()).toEqual(['network']);
});

test.each(PACKAGES)('%s is left to skopeo where an upload is refused in a way that nobody knows', async name => {
  ecr.faults.add({ method: 'PUT', fault: { kind: 'status', status: 400 }, times: Infinity });
  expect(await run(name)).toMatchObject({ copied: 1, failed: 0, refused: 0 });
  expect(world.bySkopeo).toHaveLength(1);
});

test.each(PACKAGES)('%s fails, and is not refused, when its image may not be pulled', async name => {
  const body = JSON.stringify({ errors: [{ code: 'DENIED', message: `${name}: unsupported` }] });
  ghcr.faults.add({ path: /manifests/, fault: { kind: 'status', status: 403, body }, times: Infinity });
  expect(await run(name)).toMatchObject({ copied: 0, failed: 1, refused: 0 });
  expect(retries()).toEqual([]);
});
