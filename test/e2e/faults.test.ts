import { defects, quietWorld, runSync, SyncResult } from './sync-run';
import { awsFault } from '../../sandbox/aws/core/endpoint';
import { buildxIndex, helmChart, nestedIndex } from '../../sandbox/registry/artifacts';
import { image, index, layer, Manifest } from '../../sandbox/registry/images';
import type { World } from '../../sandbox/world/world';
import { CopyEngine } from '../../src';

const DENIED = JSON.stringify({ errors: [{ code: 'DENIED', message: 'denied' }] });
const UPLOAD_UNSUPPORTED = JSON.stringify({
  errors: [{ code: 'UNSUPPORTED', message: 'The operation is unsupported.' }],
});
const UNSUPPORTED = awsFault(
  'InvalidParameterException',
  'Invalid parameter at \'ImageManifest\' failed to satisfy constraint: \'Invalid JSON syntax\'',
);

jest.setTimeout(60_000);

let world: World;
afterEach(() => world?.close());

async function start(engine: CopyEngine, options: Parameters<typeof quietWorld>[0] = {}): Promise<void> {
  world = await quietWorld({ ...options, mirror: { putImageRate: 1000, engine } });
}

/** ECR accepts no manifest, neither by its API nor by that of the registry. */
function refuseManifests(): void {
  world.cloud.faults.add({ operation: 'PutImage', fault: UNSUPPORTED, times: Infinity });
  world.ecr.faults.add({ method: 'PUT', path: /\/manifests\//, fault: { kind: 'status', status: 405, body: UPLOAD_UNSUPPORTED }, times: Infinity });
}

async function push(images: Readonly<Record<string, Manifest>>): Promise<void> {
  for (const [name, content] of Object.entries(images)) { await world.push(name, content, '1'); }
}

async function allDefects(images: Readonly<Record<string, Manifest>>): Promise<string[]> {
  const client = world.puller();
  return (await Promise.all(
    Object.entries(images).map(([name, content]) => defects(client, `${world.namespace}/${name}`, '1', content)),
  )).flat();
}

function linesOf(result: SyncResult, name: string): string[] {
  return result.lines.filter(line => line.includes(`${world.namespace}/${name}`));
}

const large = (seed: string): Manifest => image({ seed, layers: [layer({ seed, layerBytes: 200_000 })] });

describe.each([CopyEngine.SKOPEO, CopyEngine.DIRECT])('with the engine %s', engine => {
  test('what can pass is tried again, each by its cause, and all arrive', async () => {
    const images: Record<string, Manifest> = {
      reset: large('reset'),
      truncated: large('truncated'),
      throttled: large('throttled'),
      later: large('later'),
      failing: buildxIndex({ seed: 'failing' }),
      index: index([image({ seed: 'child' })]),
      healthy: large('healthy'),
    };
    await start(engine);
    await push(images);
    world.ghcr.faults.add(
      { method: 'GET', path: /my-org\/reset\/blobs/, fault: { kind: 'reset' }, times: 2 },
      { method: 'GET', path: /my-org\/truncated\/blobs/, skip: 1, fault: { kind: 'truncate', afterBytes: 70_000 } },
      { method: 'GET', path: /my-org\/later\/manifests/, fault: { kind: 'status', status: 429, headers: { 'retry-after': '1' }, body: '{"errors":[{"code":"TOOMANYREQUESTS"}]}' }, skip: 1 },
    );
    world.ecr.faults.add(
      { method: 'PUT', path: /my-org\/throttled\/blobs/, fault: { kind: 'status', status: 429, body: '{"errors":[{"code":"TOOMANYREQUESTS","message":"Rate exceeded"}]}' }, times: 2 },
      { method: 'POST', path: /my-org\/failing\/blobs/, fault: { kind: 'status', status: 503 }, times: 2 },
    );
    world.cloud.faults.add(
      { operation: 'PutImage', fault: awsFault('ThrottlingException', 'Rate exceeded') },
      { operation: 'PutImage', skip: 2, fault: { kind: 'status', status: 500 } },
      { operation: 'PutImage', skip: 4, fault: { kind: 'reset' } },
      { operation: 'ListImages', fault: awsFault('ThrottlingException', 'Rate exceeded'), times: 2 },
      { operation: 'BatchGetImage', fault: { kind: 'status', status: 500 } },
      { operation: 'GetAuthorizationToken', fault: { kind: 'reset' } },
    );
    world.github.server.faults.add({ path: /\/versions/, fault: { kind: 'status', status: 502 }, times: 1 });

    const result = await runSync(world);

    expect(result).toMatchObject({ status: 'SUCCEEDED', summary: { copied: Object.keys(images).length, failed: 0 } });
    expect(await allDefects(images)).toEqual([]);
    expect(result.lines.filter(line => line.startsWith('fallback'))).toEqual([]);
    // skopeo resumes downloads and waits on 429 by itself.
    if (engine === CopyEngine.SKOPEO) { return; }
    for (const [name, cause] of [
      ['reset', 'network'],
      ['truncated', 'network'],
      ['throttled', 'throttled'],
      ['later', 'throttled'],
      ['failing', 'overloaded'],
    ]) {
      const retries = linesOf(result, name).filter(line => line.startsWith('retry') && line.includes(' blob '));
      expect([name, retries.every(line => line.includes(`(${cause})`))]).toEqual([name, true]);
    }
    expect(linesOf(result, 'throttled').filter(line => line.startsWith('retry'))).not.toEqual([]);
    expect(linesOf(result, 'truncated')).toContainEqual(expect.stringMatching(/^(resume|retry) .*connection closed after \d+ of 20\d+ bytes/));
  });

  test('fails what may not be pulled, at once and by name, and brings over the rest', async () => {
    const images: Record<string, Manifest> = { denied: image({ seed: 'denied' }), good: buildxIndex({ seed: 'good' }) };
    await start(engine);
    await push(images);
    world.ghcr.faults.add({ path: /^\/token.*denied/, fault: { kind: 'status', status: 403, body: DENIED }, times: Infinity });

    const result = await runSync(world);

    expect(result).toMatchObject({ status: 'FAILED', summary: { copied: 1, failed: 1 } });
    expect(result.lines.filter(line => line.startsWith('retry'))).toEqual([]);
    expect(linesOf(result, 'denied')).toContainEqual(expect.stringMatching('^failed +my-org/denied:1 '
      + `${images.denied.digest}: .*denied.* The packages token may not pull`));
    expect(await defects(world.puller(), 'my-org/good', '1', images.good)).toEqual([]);
  });

  test('fails what ECR does not accept, at once and by name; an artifact is only refused', async () => {
    const images: Record<string, Manifest> = { unsupported: image({ seed: 'unsupported' }), chart: helmChart() };
    await start(engine);
    await push(images);
    refuseManifests();

    const result = await runSync(world);

    expect(result).toMatchObject({ status: 'FAILED', summary: { copied: 0, refused: 1, failed: 1 } });
    expect(result.lines.filter(line => line.startsWith('retry'))).toEqual([]);
    expect(linesOf(result, 'unsupported')).toContainEqual(
      expect.stringMatching(`^failed +my-org/unsupported:1 ${images.unsupported.digest}: .*ECR does not accept`),
    );
    expect(linesOf(result, 'chart'))
      .toContainEqual(expect.stringMatching(`^refused +my-org/chart:1 ${images.chart.digest}: .*ECR does not accept`));
  });

  test('a refused artifact alone does not fail the build', async () => {
    await start(engine);
    await push({ chart: helmChart() });
    refuseManifests();

    expect(await runSync(world)).toMatchObject({ status: 'SUCCEEDED', summary: { refused: 1, failed: 0 } });
  });

  test('a login to ECR that expires in mid-build is renewed', async () => {
    const images = { one: large('one'), two: large('two'), three: buildxIndex({ seed: 'three' }) };
    await start(engine);
    await push(images);
    world.ghcr.faults.add({ method: 'GET', path: /\/blobs\//, fault: { kind: 'delay', ms: 700 }, times: Infinity });
    const running = runSync(world);
    while (world.ecr.requests.length === 0) { await new Promise(resolve => { setTimeout(resolve, 10); }); }
    world.ecr.expireTokens();

    const result = await running;

    // ECR says why where its answer has a body, and only refuses where it has none.
    expect(result.lines.filter(line => line.startsWith('retry'))).toContainEqual(expect.stringMatching(/\((expired|login)\): /));
    expect(result).toMatchObject({ status: 'SUCCEEDED', summary: { copied: 3, failed: 0 } });
    expect(await allDefects(images)).toEqual([]);
  });

  test('a token of GHCR that expires during a copy is renewed', async () => {
    await start(engine, { ghcr: { tokenLifetimeMs: 3_000 } });
    const images = { app: buildxIndex({ seed: 'tokens' }), slow: large('slow') };
    await push(images);
    world.ghcr.faults.add({ method: 'GET', path: /my-org\/slow\/blobs/, fault: { kind: 'delay', ms: 3_500 }, times: 1 });

    const result = await runSync(world);

    expect(result).toMatchObject({ status: 'SUCCEEDED', summary: { copied: 2, failed: 0 } });
    expect(await allDefects(images)).toEqual([]);
  });
});

test('a registry that takes no upload in one request gets its images by skopeo', async () => {
  const images: Record<string, Manifest> = {
    docker: image({ seed: 'docker', docker: true }),
    index: buildxIndex({ seed: 'chunks' }),
    nested: nestedIndex(),
    chart: helmChart(),
    large: large('chunks'),
  };
  await start(CopyEngine.DIRECT);
  await push(images);
  world.ecr.faults.add({
    method: 'PUT', path: /\/blobs\/uploads\//, headers: { 'content-length': /^[1-9]/ }, fault: { kind: 'status', status: 405, body: UPLOAD_UNSUPPORTED }, times: Infinity,
  });

  const result = await runSync(world);

  expect(result).toMatchObject({ status: 'SUCCEEDED', summary: { copied: 5, failed: 0 } });
  expect(result.lines).toContainEqual(expect.stringMatching(/^fallback my-org\/docker@sha256:\w+ to skopeo: .* answered 405 to the upload of blob/));
  expect(await allDefects(images)).toEqual([]);
});

test('fails a package whose repository can not be listed, and copies nothing: that is not "empty"', async () => {
  await start(CopyEngine.SKOPEO);
  await push({ app: image() });
  await runSync(world);
  const before = world.ecr.requests.length;
  world.cloud.faults.add({
    operation: 'ListImages',
    fault: awsFault('AccessDeniedException', 'not authorized to perform: ecr:ListImages'),
    times: Infinity,
  });

  const result = await runSync(world);

  expect(result).toMatchObject({ status: 'FAILED', summary: { copied: 0, tagged: 0, failed: 1 } });
  expect(linesOf(result, 'app')).toContainEqual(expect.stringMatching(/^failed +my-org\/app: .*ecr:ListImages/));
  expect(world.ecr.requests).toHaveLength(before);
});

test('a manifest that GHCR serves late is waited for', async () => {
  await start(CopyEngine.SKOPEO, { ghcr: { lagMs: 1_500 } });
  const images = { app: buildxIndex({ seed: 'late' }) };
  await push(images);

  const result = await runSync(world);

  expect(result).toMatchObject({ status: 'SUCCEEDED', summary: { copied: 1, failed: 0 } });
  expect(await allDefects(images)).toEqual([]);
});

test('a registry that takes no upload in chunks, as skopeo sends it, '
  + 'gets its images by the direct engine', async () => {
  const images: Record<string, Manifest> = {
    docker: image({ seed: 'docker', docker: true }),
    index: buildxIndex({ seed: 'whole' }),
    chart: helmChart(),
  };
  await start(CopyEngine.SKOPEO);
  await push(images);
  world.ecr.faults.add({
    method: 'PATCH',
    fault: { kind: 'status', status: 405, body: UPLOAD_UNSUPPORTED },
    times: Infinity,
  });

  const result = await runSync(world);

  expect(result).toMatchObject({ status: 'SUCCEEDED', summary: { copied: 3, failed: 0 } });
  expect(result.lines).toContainEqual(expect.stringMatching(/^fallback my-org\/docker@sha256:\w+ to direct: /));
  expect(await allDefects(images)).toEqual([]);
});

test('a registry that does not serve a manifest to our client serves it to skopeo', async () => {
  const images: Record<string, Manifest> = { app: buildxIndex({ seed: 'read' }) };
  await start(CopyEngine.SKOPEO);
  await push(images);
  world.ghcr.faults.add({ path: /\/manifests\/sha256:/, headers: { 'user-agent': /^cdk-ghcr2ecr/ }, fault: { kind: 'status', status: 400 }, times: Infinity });

  const result = await runSync(world);

  expect(result).toMatchObject({ status: 'SUCCEEDED', summary: { copied: 1, failed: 0 } });
  expect(result.lines).toContainEqual(expect.stringMatching(/^fallback my-org\/app@sha256:\w+ to skopeo: .* answered 400 to my-org\/app@/));
  expect(await allDefects(images)).toEqual([]);
});
