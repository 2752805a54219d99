import type { Contestant, Entry, Task } from './contestant';
import { authConfig, endsOf, inParallel } from './files';
import type { Program } from './install';
import { PARALLEL } from './parallel';
import { insecureRegistries, writeFileIn } from '../home';

/** With all architectures and unchanged digests. */
const WHOLE = ['--all', '--preserve-digests', '--retry-times', '3'];

/**
 * `skopeo copy` of each image and `skopeo sync` of each repository, processes side by side: skopeo itself copies the
 * layers of one image at the same time, and one image after the other.
 *
 * @see https://github.com/containers/skopeo/blob/main/docs/skopeo-copy.1.md
 */
export function skopeo(program: Program): Entry {
  const [most, ...others] = [...PARALLEL].sort((a, b) => b - a).map(processes => copyImages(program, processes));
  return {
    tool: 'skopeo',
    name: `skopeo ${program.version}`,
    settings: [most, ...others, syncRepositories(program, 8)],
  };
}

/** `skopeo copy` of one image. */
export function skopeoImage(program: Program): Entry {
  return { tool: 'skopeo', name: `skopeo ${program.version}`, settings: [copyImages(program, 1)] };
}

/**
 * `skopeo sync` of all packages in one process, as its manual shows it.
 *
 * @see https://github.com/containers/skopeo/blob/main/docs/skopeo-sync.1.md
 */
export function skopeoSync({ path, version }: Program): Entry {
  const contestant: Contestant = {
    setting: 'sync',
    createsRepositories: false,
    prepare: task => {
      const { args, environment } = syncOf(task);
      return { program: path, args: [...args, sourceFile(task, task.packages), destination(task)], environment };
    },
  };
  return { tool: 'skopeo', name: `skopeo ${version}`, settings: [contestant] };
}

function copyImages({ path }: Program, processes: number): Contestant {
  return {
    setting: processes === 1 ? 'copy' : `copy, ${processes} processes`,
    createsRepositories: false,
    prepare: task => {
      const { policy, authFile } = filesOf(task);
      const copy = [path, '--policy', policy, 'copy', '--quiet', ...WHOLE, '--authfile', authFile];
      const each = task.images.map(image => endsOf(task, image).map(end => `docker://${end}`));
      return inParallel(task.directory, processes, copy, each);
    },
  };
}

function syncRepositories({ path }: Program, processes: number): Contestant {
  return {
    setting: `sync, ${processes} processes`,
    createsRepositories: false,
    prepare: task => {
      const each = task.packages.map(name => [sourceFile(task, [name]), destination(task)]);
      return inParallel(task.directory, processes, [path, ...syncOf(task).args], each);
    },
  };
}

function syncOf(task: Task): { readonly args: readonly string[]; readonly environment: Record<string, string> } {
  const { policy, authFile } = filesOf(task);
  return {
    args: [
      '--policy',
      policy,
      'sync',
      ...WHOLE,
      '--keep-going',
      '--authfile',
      authFile,
      '--dest-tls-verify=false',
      '--src',
      'yaml',
      '--dest',
      'docker',
    ],
    environment: { HOME: task.directory },
  };
}

function destination({ addresses: { ecr }, prefix }: Task): string {
  return `${ecr}/${prefix}`;
}

function sourceFile(task: Task, packages: readonly string[]): string {
  const { addresses: { ghcr, namespace }, directory } = task;
  // An empty list means every tag. JSON is YAML.
  const source = {
    'images': Object.fromEntries(packages.map(name => [`${namespace}/${name}`, []])),
    'tls-verify': false,
  };
  return writeFileIn(directory, `sync-${packages[0]}.yml`, JSON.stringify({ [ghcr]: source }));
}

function filesOf(task: Task): { readonly policy: string; readonly authFile: string } {
  const { directory, addresses: { ghcr, ecr } } = task;
  writeFileIn(directory, '.config/containers/registries.conf', insecureRegistries(ghcr, ecr));
  return {
    policy: writeFileIn(directory, 'policy.json', JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] })),
    authFile: writeFileIn(directory, 'auth.json', authConfig(task)),
  };
}
