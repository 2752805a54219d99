import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BuildSpec } from 'aws-cdk-lib/aws-codebuild';
import { CopyEngine } from '../contract/copy-engine';
import { BUILD_START_VARIABLE } from '../contract/environment';
import { INSTALL_SKOPEO } from '../contract/install-skopeo';

/** Time in CodeBuild's queue and on the way to the first command does not count against the sync's deadline. */
const NOTE_START = `export ${BUILD_START_VARIABLE}=$(date +%s)`;

const CHECK_NODE = `
command -v node >/dev/null || {
  echo "node is missing. The sync program needs Node.js 20 or newer: use a standard image, or add it to yours."
  exit 1
}
node --version`.trim();

/** Installs skopeo. A mirror that copies without it is better than one that does not copy. */
const GET_SKOPEO = `
(
${INSTALL_SKOPEO}
) || echo "This build copies with the direct engine instead of skopeo."`.trim();

export interface SyncBuildSpecOptions {
  readonly engine: CopyEngine;
  /** Directory of the sync program. */
  readonly program: string;
}

/**
 * The inline buildspec. The program is the project's source, a CDK asset in the account's own bucket.
 * Its files are checked before it runs, so that whoever can write to that bucket can't run a program of
 * their own with the project's role.
 */
export function syncBuildSpec({ engine, program }: SyncBuildSpecOptions): BuildSpec {
  const skopeo = engine === CopyEngine.SKOPEO ? [GET_SKOPEO] : [];
  return BuildSpec.fromObject({
    version: '0.2',
    env: { shell: 'bash' },
    phases: {
      install: { 'on-failure': 'ABORT', 'commands': [NOTE_START, CHECK_NODE, checkProgram(program), ...skopeo] },
      build: { commands: ['node index.js'] },
    },
  });
}

function checkProgram(directory: string): string {
  return `
sha256sum --check --strict --quiet <<'END' || {
${checksums(directory).join('\n')}
END
  echo "The sync program is not the one that was deployed: see the files above. Nothing of it was run."
  echo "Deploy the stack again, and find out who may write to the bucket of CDK's assets."
  exit 1
}`.trim();
}

/** Lines as sha256sum prints and checks them. */
function checksums(directory: string): string[] {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile());
  const paths = files.map(({ parentPath, name }) =>
    join(parentPath, name).slice(directory.length + 1).replaceAll('\\', '/'));
  return paths.sort()
    .map(path => `${createHash('sha256').update(readFileSync(join(directory, path))).digest('hex')}  ${path}`);
}
