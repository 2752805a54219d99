import type { Contestant } from './contestant';
import { insecureRegistries, writeFileIn } from '../home';

/**
 * `skopeo sync` with all architectures and unchanged digests. It has no setting for parallelism between images; the layers of one
 * image are copied side by side.
 *
 * @see https://github.com/containers/skopeo/blob/main/docs/skopeo-sync.1.md
 */
export const skopeoSync: Contestant = {
  name: 'skopeo sync',
  createsRepositories: false,
  prepare: ({ addresses, prefix, packages, directory }) => {
    const { ghcr, ecr, namespace, packagesToken, ecrPassword } = addresses;
    // An empty list means every tag. JSON is YAML.
    const source = { [ghcr]: { 'images': Object.fromEntries(packages.map(name => [`${namespace}/${name}`, []])), 'tls-verify': false } };
    const auth = (user: string, password: string): { auth: string } => ({ auth: Buffer.from(`${user}:${password}`).toString('base64') });
    const sourceFile = writeFileIn(directory, 'skopeo-sync.yml', JSON.stringify(source));
    const authFile = writeFileIn(directory, 'auth.json', JSON.stringify({ auths: { [ghcr]: auth('token', packagesToken), [ecr]: auth('AWS', ecrPassword) } }));
    const policy = writeFileIn(directory, 'policy.json', JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }));
    writeFileIn(directory, '.config/containers/registries.conf', insecureRegistries(ghcr, ecr));
    return {
      program: 'skopeo',
      args: [
        '--policy', policy, 'sync', '--all', '--preserve-digests', '--keep-going', '--retry-times', '3', '--authfile', authFile, '--dest-tls-verify=false',
        '--src', 'yaml', '--dest', 'docker', sourceFile, `${ecr}/${prefix}`,
      ],
      environment: { HOME: directory },
    };
  },
};
