import { join } from 'node:path';
import type { Contestant } from './contestant';
import { insecureRegistries, writeFileIn } from '../home';

/** The bundle that CodeBuild runs, with the environment and the role of the synthesized project. */
export const ours: Contestant = {
  name: 'cdk-ghcr2ecr',
  createsRepositories: true,
  prepare: ({ addresses, prefix, packages, directory }) => {
    writeFileIn(directory, '.config/containers/registries.conf', insecureRegistries(addresses.ghcr, addresses.ecr));
    return {
      program: process.execPath,
      args: [join(__dirname, '..', '..', 'assets', 'lambda', 'sync', 'index.js')],
      environment: {
        ...addresses.syncEnvironment,
        HOME: directory,
        PACKAGES: JSON.stringify(packages),
        REPOSITORY_PREFIX: prefix,
        CODEBUILD_START_TIME: String(Date.now()),
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      },
    };
  },
};
