import { ChildProcess, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildUser } from './user';

export interface ShellResult {
  readonly exitCode: number;
  readonly signal: string | null;
}

/**
 * Runs a build's commands one after the other with bash. Like CodeBuild's agent, it starts a shell for every
 * command and carries the environment and the working directory over, so that `export` and `cd` last and
 * `exit` ends the command alone.
 */
export class Shell {
  private running: ChildProcess | undefined;
  private killed = false;
  private readonly state: string;

  /** @param directory for the carried state; not the build's working directory */
  public constructor(
    directory: string, private readonly line: (text: string) => void, private readonly user: BuildUser = {},
  ) {
    this.state = directory;
  }

  public async start(environment: Readonly<Record<string, string>>, workingDirectory: string): Promise<void> {
    await mkdir(this.state, { recursive: true });
    await writeFile(
      this.file('environment'),
      Object.entries(environment).map(([name, value]) => `declare -x ${name}=${quote(value)}\n`).join(''),
    );
    await writeFile(this.file('directory'), `${workingDirectory}\n`);
  }

  /** Runs one command; `set` are variables that CodeBuild itself changes between commands. */
  public async run(command: string, set: Readonly<Record<string, string>>): Promise<ShellResult> {
    const exports = Object.entries(set).map(([name, value]) => `export ${name}=${quote(value)}`).join('\n');
    await writeFile(this.file('script'), `${PROLOGUE}\n${exports}\n${command}\n`);
    // Nothing of this process's environment gets in: what a build needs, the project or the image has to bring.
    const child = spawn('bash', ['--noprofile', '--norc', this.file('script')], {
      detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: { CODEBUILD_STATE: this.state }, ...this.user,
    });
    this.running = child;
    // The order to end may have come while the script was written.
    if (this.killed) { this.kill(); }
    [child.stdout, child.stderr].forEach(stream => eachLine(stream, this.line));
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        this.running = undefined;
        resolve({ exitCode: code ?? 1, signal });
      });
    });
  }

  /** Ends the command and everything that it started; later ones end as they begin. */
  public kill(): void {
    this.killed = true;
    const pid = this.running?.pid;
    if (pid === undefined) { return; }
    try {
      process.kill(-pid, 'SIGKILL');
    } catch (error) {
      // By code: in jest's sandbox Node's own errors are instances of another realm's Error.
      if ((error as { readonly code?: unknown }).code !== 'ESRCH') { throw error; }
    }
  }

  /** The variables as the last command left them. */
  public async variables(names: readonly string[]): Promise<{ name: string; value: string }[]> {
    if (names.length === 0) { return []; }
    const lines: string[] = [];
    const reader = new Shell(this.state, text => lines.push(text), this.user);
    await reader.run(names.map(name => `printf '%s\\n' "$(printf '%s' "\${${name}-}" | base64 -w0)"`).join('\n'), {});
    return names.map((name, at) => ({ name, value: Buffer.from(lines[at] ?? '', 'base64').toString() }));
  }

  private file(name: string): string {
    return join(this.state, name);
  }
}

/** `set -a` exports plain assignments, which CodeBuild carries to the next command, too. */
const PROLOGUE = `
. "$CODEBUILD_STATE/environment"
cd "$(cat "$CODEBUILD_STATE/directory")"
__codebuild_state="$CODEBUILD_STATE"
unset CODEBUILD_STATE
__codebuild_save() {
  set +a
  pwd > "$__codebuild_state/directory"
  export -p > "$__codebuild_state/environment"
  exit "$1"
}
trap '__codebuild_save $?' EXIT
set -a`;

function quote(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}

function eachLine(stream: NodeJS.ReadableStream, line: (text: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(text => line(text.replace(/\r$/, '')));
  });
  stream.on('end', () => { if (rest !== '') { line(rest); } });
}
