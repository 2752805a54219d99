import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RegistryLogin } from '../../shared/ecr';

/** Files that skopeo reads; a directory of their own, which only this user may enter. */
export interface SkopeoFiles {
  readonly authFile: string;
  readonly policyFile: string;
  /** Writes the credentials anew. */
  login(logins: readonly RegistryLogin[]): Promise<void>;
  remove(): Promise<void>;
}

/**
 * Credentials travel in a file of mode 0600, because arguments are visible in the process list. The trust policy is
 * our own, because some images have none, and skopeo refuses to work without. Images are compared by digest, so
 * accepting any signer loses nothing.
 */
export async function createSkopeoFiles(): Promise<SkopeoFiles> {
  const directory = await mkdtemp(join(tmpdir(), 'ghcr2ecr-'));
  const authFile = join(directory, 'auth.json');
  const policyFile = join(directory, 'policy.json');
  let writes = 0;
  await writeFile(policyFile, JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }), { mode: 0o600 });
  return {
    authFile,
    policyFile,
    login: async logins => {
      // Replaced as a whole: a skopeo that starts now reads the old or the new file, never half of one.
      const next = `${authFile}.${++writes}`;
      await writeFile(next, JSON.stringify(authConfig(logins)), { mode: 0o600 });
      await rename(next, authFile);
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

function authConfig(logins: readonly RegistryLogin[]): object {
  const auths = logins.map(({ host, user, password }) => [
    host,
    { auth: Buffer.from(`${user}:${password}`).toString('base64') },
  ]);
  return { auths: Object.fromEntries(auths) as object };
}
