import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Kept between runs: compiling takes a minute. */
const CACHE = join(tmpdir(), 'cdk-ghcr2ecr-bench', 'bin');
const MODULE = 'github.com/regclient/regclient/cmd/regsync@latest';

/** Path of regsync, compiled from the Go module; undefined, with a line that says why, when it can't be had. */
export function installRegsync(say: (line: string) => void): string | undefined {
  const path = join(CACHE, 'regsync');
  if (existsSync(path)) { return path; }
  mkdirSync(CACHE, { recursive: true });
  say(`compiling ${MODULE} ...`);
  const { error, status, stderr } = spawnSync('go', ['install', MODULE], { encoding: 'utf8', env: { ...process.env, GOBIN: CACHE } });
  if (!error && status === 0) { return path; }
  say(error ? `regsync is SKIPPED: Go is absent (${error.message}). Install Go to compare with it.`
    : `regsync is SKIPPED: \`go install ${MODULE}\` ended with ${String(status)}: ${stderr.trim().split('\n').pop() ?? ''}`);
  return undefined;
}

/** The first line that a program prints, for the head of the report. */
export function versionLine(program: string, args: readonly string[], pattern = /.+/): string {
  const { stdout, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (error) { throw new Error(`${program} could not be started: ${error.message}. Install it: the benchmark compares with it, and the sync program runs it.`); }
  return pattern.exec(stdout)?.[0] ?? stdout.trim();
}
