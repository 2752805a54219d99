import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A rival's program. */
export interface Program {
  readonly path: string;
  /** As the program itself prints it. */
  readonly version: string;
}

export interface Programs {
  readonly regsync: Program;
  readonly crane: Program;
  /** Of the distribution: the version that a build gets, too. */
  readonly skopeo: Program;
}

/** Compiled programs are kept between runs: compiling takes a minute. */
const CACHE = join(tmpdir(), 'cdk-ghcr2ecr-bench', 'bin');

/** Pinned: other versions would make other figures. */
const REGSYNC = { command: 'github.com/regclient/regclient/cmd/regsync', version: 'v0.11.7' };
const CRANE = { command: 'github.com/google/go-containerregistry/cmd/crane', version: 'v0.22.1' };

interface GoCommand { readonly command: string; readonly version: string }

/**
 * All rivals. A comparison that leaves one out would look like one that was won.
 *
 * @throws with what to install, when one of them can't be had
 */
export function installRivals(say: (line: string) => void): Programs {
  const regsync = goInstall(REGSYNC, say);
  const crane = goInstall(CRANE, say);
  return {
    regsync: { path: regsync, version: versionOf(regsync, ['version'], /v\d+\.\d+\.\d+\S*/) },
    crane: { path: crane, version: versionOf(crane, ['version'], /v\d+\.\d+\.\d+\S*/) },
    skopeo: { path: 'skopeo', version: versionOf('skopeo', ['--version'], /\d+\.\d+\.\d+\S*/) },
  };
}

/** @returns path of the program */
function goInstall({ command, version }: GoCommand, say: (line: string) => void): string {
  const name = command.split('/').pop() ?? command;
  const directory = join(CACHE, `${name}-${version}`);
  const path = join(directory, name);
  if (existsSync(path)) { return path; }
  mkdirSync(directory, { recursive: true });
  say(`compiling ${command}@${version} ...`);
  const environment = { ...process.env, GOBIN: directory, GOFLAGS: '-mod=mod' };
  const { error, status, stderr } = spawnSync('go', ['install', `${command}@${version}`], {
    encoding: 'utf8',
    env: environment,
  });
  if (error) { throw new Error(`${name} can't be compiled: Go is absent (${error.message}). Install Go 1.21 or later: https://go.dev/doc/install`); }
  if (status !== 0) {
    throw new Error(`"go install ${command}@${version}" ended with ${String(status)}: ${stderr.trim().slice(-600)}`);
  }
  return path;
}

function versionOf(program: string, args: readonly string[], pattern: RegExp): string {
  const { stdout, error } = spawnSync(program, args, { encoding: 'utf8' });
  const version = pattern.exec(stdout ?? '')?.[0];
  if (version === undefined) {
    const reason = error?.message ?? `it printed "${stdout.slice(0, 200)}"`;
    throw new Error(`The version of ${program} is not known: ${reason}. Install it: .ci/system-packages ${program}`);
  }
  return version;
}
