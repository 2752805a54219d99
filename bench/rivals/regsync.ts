import type { Contestant, Entry, Task } from './contestant';
import { endsOf } from './files';
import type { Program } from './install';
import { PARALLEL } from './parallel';
import { writeFileIn } from '../home';

/**
 * `regsync once`: with so many images in parallel.
 *
 * @see https://regclient.org/usage/regsync/
 */
export function regsync(program: Program): Entry {
  const [first, ...others] = PARALLEL.map(parallel => once(program, parallel));
  return { tool: 'regsync', name: `regsync ${program.version}`, settings: [first, ...others] };
}

function once({ path }: Program, parallel: number): Contestant {
  return {
    setting: `parallel ${parallel}`,
    createsRepositories: false,
    prepare: task => {
      const { ghcr, ecr, packagesToken, ecrPassword } = task.addresses;
      // Its default of 3 requests at once to a registry would hold `parallel` back.
      const host = { tls: 'disabled', reqConcurrent: Math.max(3, parallel) };
      const config = {
        version: 1,
        creds: [
          { registry: ghcr, user: 'token', pass: packagesToken, ...host },
          { registry: ecr, user: 'AWS', pass: ecrPassword, ...host },
        ],
        // Tags whose digests are equal are not looked into: its fastest check.
        defaults: { parallel, fastCheck: true, skipDockerConfig: true },
        sync: task.exact === true ? images(task) : repositories(task),
      };
      // JSON is YAML.
      const args = ['once', '--config', writeFileIn(task.directory, 'regsync.yml', JSON.stringify(config))];
      return { program: path, args, environment: { HOME: task.directory } };
    },
  };
}

function repositories({ addresses: { ghcr, ecr, namespace }, packages, prefix }: Task): object[] {
  return packages.map(name => ({
    source: `${ghcr}/${namespace}/${name}`,
    target: `${ecr}/${prefix}/${name}`,
    type: 'repository',
  }));
}

function images(task: Task): object[] {
  return task.images.map(image => {
    const [source, target] = endsOf(task, image);
    return { source, target, type: 'image' };
  });
}
