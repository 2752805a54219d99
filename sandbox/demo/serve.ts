import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Progress } from './progress';
import type { World } from '../world/world';

/** Keeps the world running until Ctrl-C, and tells how to push to it. */
export async function serveForever(world: World, progress: Progress, print: (line: string) => void): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'ghcr2ecr-serve-'));
  const passwordFile = join(directory, 'publisher-token');
  const pullFile = join(directory, 'ecr-password');
  writeFileSync(passwordFile, world.tokens.publisher, { mode: 0o600 });
  writeFileSync(pullFile, world.ecr.credentials(world.cloud.administrator).replace(/^AWS:/, ''), { mode: 0o600 });
  progress.step('The local cloud keeps running. Ctrl-C ends it');
  instructions(world, passwordFile, pullFile).forEach(print);
  try {
    await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function instructions(world: World, passwordFile: string, pullFile: string): string[] {
  const source = `${world.ghcr.host}/${world.namespace}`;
  const target = `${world.ecr.host}/${world.namespace}`;
  return [
    'Log in to this GHCR with any user and the token in the file:',
    '',
    `  skopeo login --tls-verify=false -u me --password-stdin ${world.ghcr.host} <${passwordFile}`,
    `  crane auth login -u me --password-stdin ${world.ghcr.host} <${passwordFile}`,
    `  docker login -u me --password-stdin ${world.ghcr.host} <${passwordFile}`,
    '',
    'Push an image of your own:',
    '',
    `  skopeo copy --all --dest-tls-verify=false oci:DIRECTORY:TAG docker://${source}/mine:1`,
    `  crane push --insecure IMAGE.tar ${source}/mine:1`,
    `  docker tag IMAGE ${source}/mine:1 && docker push ${source}/mine:1`,
    '',
    'Watch it arrive: this window shows every step, and ECR then has it:',
    '',
    `  skopeo login --tls-verify=false -u AWS --password-stdin ${world.ecr.host} <${pullFile}`,
    `  skopeo inspect --tls-verify=false docker://${target}/mine:1`,
  ];
}
