import { join } from 'node:path';
import type { Entry } from './contestant';
import { SYNC_ENVIRONMENT } from '../../src/contract/environment';
import { insecureRegistries, writeFileIn } from '../home';

export type Engine = 'DIRECT' | 'SKOPEO';

/** The engines that the program has: a program without a choice is the direct one. */
export function engines(): Entry[] {
  const chooses = (SYNC_ENVIRONMENT as readonly string[]).includes('ENGINE');
  return chooses ? [ours('DIRECT'), ours('SKOPEO')] : [ours('DIRECT')];
}

/**
 * The bundle that CodeBuild runs, with the environment and the role of the synthesized project. It finds
 * the images of a package itself.
 */
export function ours(engine: Engine): Entry {
  return {
    tool: engine,
    name: `cdk-ghcr2ecr, ${engine}`,
    settings: [{
      setting: '',
      createsRepositories: true,
      prepare: ({ addresses, prefix, packages, directory }) => {
        writeFileIn(directory, '.config/containers/registries.conf', insecureRegistries(addresses.ghcr, addresses.ecr));
        return {
          program: process.execPath,
          args: [join(__dirname, '..', '..', 'assets', 'lambda', 'sync', 'index.js')],
          environment: {
            ...addresses.syncEnvironment,
            HOME: directory,
            ENGINE: engine.toLowerCase(),
            PACKAGES: JSON.stringify(packages),
            REPOSITORY_PREFIX: prefix,
            CODEBUILD_START_TIME: String(Date.now()),
            AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
          },
        };
      },
    }],
  };
}
