import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface LambdaNode {
  readonly path: string;
  /** `24.1.0` */
  readonly version: string;
}

const CACHE = join(tmpdir(), 'cdk-ghcr2ecr-bench');

/**
 * Node as Lambda runs it: LAMBDA_NODE, else the npm package that carries the binary, kept in a cache. Else this
 * process's own, and it says so.
 */
export function lambdaNode(say: (line: string) => void): LambdaNode {
  const given = process.env.LAMBDA_NODE;
  if (given !== undefined && given !== '') { return { path: given, version: versionOf(given) }; }
  if (process.versions.node.startsWith('24.')) { return own(); }
  const name = `node-${process.platform}-${process.arch}`;
  const path = join(CACHE, 'node_modules', name, 'bin', 'node');
  if (!existsSync(path)) {
    mkdirSync(CACHE, { recursive: true });
    const installed = spawnSync(
      'npm',
      ['install', '--prefix', CACHE, '--no-save', '--no-audit', '--no-fund', `${name}@24`],
      { encoding: 'utf8' },
    );
    if (installed.status !== 0 || !existsSync(path)) {
      say(`  Node 24 could not be installed (${name}): measuring with ${process.version}. `
        + 'Set LAMBDA_NODE to a binary of Node 24.');
      return own();
    }
  }
  return { path, version: versionOf(path) };
}

function own(): LambdaNode {
  return { path: process.execPath, version: process.versions.node };
}

function versionOf(path: string): string {
  const { stdout, error } = spawnSync(path, ['--version'], { encoding: 'utf8' });
  if (error) { throw new Error(`LAMBDA_NODE is ${path}, which does not run: ${error.message}`); }
  return stdout.trim().replace(/^v/, '');
}
