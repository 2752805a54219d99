import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { quietWorld, runSync } from './sync-run';
import { image } from '../../sandbox/registry/images';
import type { World } from '../../sandbox/world/world';

jest.setTimeout(60_000);

const PROGRAM = join(__dirname, '../../assets/lambda/sync/index.js');

let world: World;
afterEach(() => world?.close());

/** Runs the program as a build would, with another argument. */
async function dryRun(): Promise<string[]> {
  const [{ request: { project, variables } }] = world.cloud.services.codeBuild.builds;
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, '--dry-run'], {
    env: {
      PATH: process.env.PATH,
      ...Object.fromEntries(variables.map(({ name, value }) => [name, value])),
      ...world.cloud.processEnvironment(project.serviceRole, 'dry-run', {
        service: 'codebuild.amazonaws.com',
        sourceArn: project.arn,
      }),
    },
  });
  return stdout.trim().split('\n');
}

test('prints what it would do, and does nothing', async () => {
  world = await quietWorld();
  const [old, young] = [image({ seed: 1 }), image({ seed: 2 })];
  await world.push('app', old, '1');
  await runSync(world);
  await world.push('app', old, 'latest');
  await world.push('app', young, '2');
  await world.push('new', young, '1');
  const before = {
    requests: world.ecr.requests.length,
    repositories: world.ecr.repositories(),
    images: world.ecr.images('my-org/app'),
  };

  const lines = await dryRun();

  expect(lines).toEqual(expect.arrayContaining([
    `would tag my-org/app:latest ${old.digest}`,
    `would copy my-org/app:2 ${young.digest}`,
    `would copy my-org/new:1 ${young.digest}`,
  ]));
  expect(JSON.parse(lines.at(-1) ?? ''))
    .toMatchObject({ summary: { packages: 2, copied: 0, tagged: 0, left: 3, unchanged: 1, failed: 0 } });
  expect({
    requests: world.ecr.requests.length,
    repositories: world.ecr.repositories(),
    images: world.ecr.images('my-org/app'),
  }).toEqual(before);
});
