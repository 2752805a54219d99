import { setTimeout as sleep } from 'node:timers/promises';
import { ECRClient } from '@aws-sdk/client-ecr';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { createSkopeoFiles } from './auth-file';
import { requestedPackages } from './options';
import { skopeoCopier } from './skopeo';
import { sync, Target } from './sync';
import { SYNC_ENVIRONMENT } from '../../src/domain/contract';
import { ensureRepository, listImages, registryPassword, repositoryUri, tagImage } from '../shared/ecr';
import { readEnvironment } from '../shared/environment';
import { gitHubPackages } from '../shared/github';
import { planPackage } from '../shared/inventory';
import { readSecret, secretName } from '../shared/secrets';

const print = (line: string): void => { process.stdout.write(`${line}\n`); };

async function main(): Promise<number> {
  const environment = readEnvironment(SYNC_ENVIRONMENT);
  const ecr = new ECRClient({ maxAttempts: 10 });
  const token = await readSecret(new SecretsManagerClient({}), environment.PACKAGES_TOKEN_ARN);
  const github = gitHubPackages({
    apiUrl: environment.GITHUB_API_URL,
    organization: environment.ORGANIZATION,
    token,
    tokenName: secretName(environment.PACKAGES_TOKEN_ARN),
    maxWaitSeconds: 900,
    warn: print,
  });
  const packages = requestedPackages(process.env) ?? await github.listPackages();
  const files = await createSkopeoFiles();
  // One registry serves the whole account, so the first repository's URI tells the host to log in to.
  let loggedIn: Promise<void> | undefined;
  const login = async (uri: string): Promise<void> => files.login([
    // Any non-empty user name will do for GHCR: the token says who it is.
    { host: environment.REGISTRY_HOST, user: 'token', password: token },
    { host: uri.split('/')[0], ...await registryPassword(ecr) },
  ]);
  const target: Target = {
    async ensureRepository(repository, exists) {
      const uri = exists ? await repositoryUri(ecr, repository) : await ensureRepository(ecr, repository);
      await (loggedIn ??= login(uri));
      return uri;
    },
    tag: (repository, digest, tags) => tagImage(ecr, repository, digest, tags),
    list: repository => listImages(ecr, repository),
  };
  try {
    const report = await sync(packages, {
      organization: environment.ORGANIZATION,
      registryHost: environment.REGISTRY_HOST,
      plan: name => planPackage(name, { github, ecr, prefix: environment.REPOSITORY_PREFIX }),
      target,
      copier: skopeoCopier(files),
      print,
      sleep,
      random: Math.random,
      now: () => Date.now(),
    });
    return report.failed > 0 ? 1 : 0;
  } finally {
    await files.remove();
  }
}

main().then(
  code => { process.exitCode = code; },
  (error: unknown) => {
    print(`failed: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  },
);
