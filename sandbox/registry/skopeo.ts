import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProcessResult, run } from './process';

export interface Login {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly user?: string;
  readonly password?: string;
}

/** The real skopeo, told that these hosts speak plain HTTP. */
export class Skopeo {
  private readonly home = mkdtempSync(join(tmpdir(), 'skopeo-'));

  constructor(logins: readonly Login[]) {
    // A home of its own, because skopeo 1.9 doesn't look at CONTAINERS_REGISTRIES_CONF (later ones do):
    // `skopeo --debug` says what it loads.
    const folder = join(this.home, '.config', 'containers');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'registries.conf'), registriesConf(logins.map(({ host }) => host)));
    writeFileSync(join(folder, 'policy.json'), JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }));
    writeFileSync(join(folder, 'auth.json'), JSON.stringify(authFile(logins)));
  }

  /** Copies everything below, digests unchanged. @param from, to `127.0.0.1:PORT/name:tag` or `...@sha256:...` */
  public copy(from: string, to: string): Promise<ProcessResult> {
    return this.run('copy', '--all', '--preserve-digests', `docker://${from}`, `docker://${to}`);
  }

  public run(...args: readonly string[]): Promise<ProcessResult> {
    const environment = { HOME: this.home, REGISTRY_AUTH_FILE: join(this.home, '.config', 'containers', 'auth.json') };
    return run('skopeo', args, environment, 'Install it with: apt-get install skopeo');
  }

  public close(): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** Marks hosts as plain HTTP for skopeo; its place is `$HOME/.config/containers/registries.conf`. */
export function registriesConf(hosts: readonly string[]): string {
  return hosts.map(host => `[[registry]]\nlocation = "${host}"\ninsecure = true\n`).join('\n');
}

/** As `docker login` writes it; a host without a user stays anonymous. */
export function authFile(logins: readonly Login[]): object {
  const entries = logins.filter(({ user }) => user !== undefined)
    .map(({ host, user, password }) => [host, { auth: Buffer.from(`${user}:${password ?? ''}`).toString('base64') }]);
  return { auths: Object.fromEntries(entries) as object };
}
