import type { Contestant } from './contestant';
import { writeFileIn } from '../home';

/**
 * `regsync once` with so many images in parallel.
 *
 * @param binary path of the program
 * @see https://regclient.org/usage/regsync/
 */
export function regsync(binary: string, parallel: number): Contestant {
  return {
    name: `regsync, parallel ${parallel}`,
    createsRepositories: false,
    prepare: ({ addresses, prefix, packages, directory }) => {
      const { ghcr, ecr, namespace, packagesToken, ecrPassword } = addresses;
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
        sync: packages.map(name => ({ source: `${ghcr}/${namespace}/${name}`, target: `${ecr}/${prefix}/${name}`, type: 'repository' })),
      };
      return {
        program: binary,
        // JSON is YAML.
        args: ['once', '--config', writeFileIn(directory, 'regsync.yml', JSON.stringify(config))],
        environment: { HOME: directory },
      };
    },
  };
}
