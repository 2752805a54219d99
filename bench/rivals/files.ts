import type { ImageName, Task } from './contestant';
import { writeFileIn } from '../home';
import type { Command } from '../measure/command';

/** Logins to both registries in the form that Docker, skopeo and crane read. */
export function authConfig({ addresses: { ghcr, ecr, packagesToken, ecrPassword } }: Task): string {
  const auth = (user: string, password: string) => ({ auth: Buffer.from(`${user}:${password}`).toString('base64') });
  return JSON.stringify({ auths: { [ghcr]: auth('token', packagesToken), [ecr]: auth('AWS', ecrPassword) } });
}

/** Where an image comes from, and where it goes to. */
export function endsOf(
  { addresses: { ghcr, ecr, namespace }, prefix }: Task,
  { package: name, tag }: ImageName,
): [string, string] {
  return [`${ghcr}/${namespace}/${name}:${tag}`, `${ecr}/${prefix}/${name}:${tag}`];
}

/** A program once for each list of arguments, so many at the same time, by xargs. */
export function inParallel(
  directory: string,
  processes: number,
  program: readonly string[],
  each: readonly string[][],
): Command {
  const list = writeFileIn(directory, 'arguments.txt', each.map(words => `${words.join(' ')}\n`).join(''));
  return {
    program: 'xargs',
    args: ['--arg-file', list, '--max-procs', String(processes), '--max-lines=1', ...program],
    environment: { HOME: directory },
  };
}
