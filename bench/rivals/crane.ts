import type { Contestant, Entry, Task } from './contestant';
import { authConfig, endsOf, inParallel } from './files';
import type { Program } from './install';
import { PARALLEL } from './parallel';
import { writeFileIn } from '../home';

/**
 * `crane copy`: a process per image, or one per repository with its own `--all-tags`.
 *
 * @see https://github.com/google/go-containerregistry/blob/main/cmd/crane/doc/crane_copy.md
 */
export function crane(program: Program): Entry {
  const settings = PARALLEL.map(processes => copyImages(program, processes));
  return { tool: 'crane', name: `crane ${program.version}`, settings: [copyRepositories(program), ...settings] };
}

/** `crane copy` of one image. */
export function craneImage(program: Program): Entry {
  return { tool: 'crane', name: `crane ${program.version}`, settings: [copyImages(program, 1)] };
}

/**
 * Copies what has a name that the target lacks. It is the quickest that crane does when there is nothing to do, and
 * does less than the others: a tag that was moved keeps its old image.
 */
export function craneNewTags(program: Program): Entry {
  const settings = PARALLEL.map(processes => copyRepositories(program, processes, ['--no-clobber']));
  return { tool: 'crane', name: `crane ${program.version}`, settings: [settings[0], ...settings.slice(1)] };
}

function copyImages({ path }: Program, processes: number): Contestant {
  return {
    setting: processes === 1 ? '' : `${processes} processes`,
    createsRepositories: false,
    prepare: task => {
      logIn(task);
      return inParallel(
        task.directory,
        processes,
        [path, 'copy', '--insecure'],
        task.images.map(image => endsOf(task, image)),
      );
    },
  };
}

function copyRepositories({ path }: Program, processes = 8, flags: readonly string[] = []): Contestant {
  return {
    setting: ['--all-tags', ...flags, `in ${processes} processes`].join(' '),
    createsRepositories: false,
    prepare: task => {
      logIn(task);
      const { directory, packages, prefix, addresses: { ghcr, ecr, namespace } } = task;
      const each = packages.map(name => [`${ghcr}/${namespace}/${name}`, `${ecr}/${prefix}/${name}`]);
      return inParallel(
        directory,
        processes,
        [path, 'copy', '--insecure', '--all-tags', '--jobs', '8', ...flags],
        each,
      );
    },
  };
}

function logIn(task: Task): void {
  writeFileIn(task.directory, '.docker/config.json', authConfig(task));
}
