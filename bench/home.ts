import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Configuration that tells skopeo to speak plain HTTP to these registries. skopeo reads it from its user's home
 * directory.
 */
export function insecureRegistries(...hosts: readonly string[]): string {
  return hosts.map(host => `[[registry]]\nlocation = "${host}"\ninsecure = true\n`).join('\n');
}

export function writeFileIn(directory: string, name: string, text: string): string {
  const path = join(directory, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}
