import { setTimeout as sleep } from 'node:timers/promises';
import { ECRClient } from '@aws-sdk/client-ecr';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { createSkopeoFiles, SkopeoFiles } from './auth-file';
import { deadlineOf } from './deadline';
import { requestedPackages } from './options';
import { RateLimit } from './pace';
import type { Report } from './report';
import type { Target } from './run';
import { skopeoCopier } from './skopeo';
import { sourceRegistry } from './source-registry';
import { sync } from './sync';
import { Environment, SYNC_ENVIRONMENT } from '../../src/domain/contract';
import { ensureRepository, listImages, putImage, registryPassword, repositoryUri, tagImage } from '../shared/ecr';
import { readEnvironment } from '../shared/environment';
import { gitHubPackages } from '../shared/github';
import { planPackage } from '../shared/inventory';
import { readSecret, secretName } from '../shared/secrets';

/** Any non-empty user name will do for GHCR: the token says who it is. */
const GHCR_USER = 'token';

const now = (): number => Date.now();
const print = (line: string): void => { process.stdout.write(`${line}\n`); };

async function main(args: readonly string[]): Promise<number> {
  const files = await createSkopeoFiles();
  try {
    const report = await syncPackages(readEnvironment(SYNC_ENVIRONMENT), files, args.includes('--dry-run'));
    return report.failed > 0 || (report.left > 0 && !args.includes('--dry-run')) ? 1 : 0;
  } finally {
    await files.remove();
  }
}

async function syncPackages(environment: Environment<typeof SYNC_ENVIRONMENT>, files: SkopeoFiles, dryRun: boolean): Promise<Report> {
  const ecr = new ECRClient({ maxAttempts: 10 });
  const secretsManager = new SecretsManagerClient({});
  const readToken = (): Promise<string> => readSecret(secretsManager, environment.PACKAGES_TOKEN_ARN);
  let token = await readToken();
  const github = gitHubPackages({
    apiUrl: environment.GITHUB_API_URL,
    organization: environment.ORGANIZATION,
    token,
    tokenName: secretName(environment.PACKAGES_TOKEN_ARN),
    maxWaitSeconds: 900,
    warn: print,
  });

  // One registry serves the whole account, so the first repository's URI tells the host to log in to.
  let host: string | undefined;
  let loggedIn: Promise<void> | undefined;
  const login = async (): Promise<void> => {
    if (host === undefined) { return; }
    token = await readToken();
    await files.login([
      { host: environment.REGISTRY_HOST, user: GHCR_USER, password: token },
      { host, ...await registryPassword(ecr) },
    ]);
  };
  const putImages = new RateLimit(Number(environment.PUT_IMAGE_RATE), now, sleep);
  const pace = (): Promise<void> => putImages.take(1);
  const target: Target = {
    async ensureRepository(repository, exists) {
      const uri = exists ? await repositoryUri(ecr, repository) : await ensureRepository(ecr, repository);
      host ??= uri.split('/')[0];
      await (loggedIn ??= login());
      return uri;
    },
    tag: (repository, digest, tags) => tagImage(ecr, repository, digest, tags, pace),
    put: (repository, { bytes, contentType }, digest, tag) =>
      putImage(ecr, repository, { manifest: bytes.toString('utf8'), mediaType: contentType, digest, tag }),
    list: repository => listImages(ecr, repository),
  };
  return sync(requestedPackages(process.env) ?? await github.listPackages(), {
    organization: environment.ORGANIZATION,
    registryHost: environment.REGISTRY_HOST,
    plan: name => planPackage(name, { github, ecr, prefix: environment.REPOSITORY_PREFIX }),
    target,
    source: sourceRegistry({ host: environment.REGISTRY_HOST, user: GHCR_USER, token: () => token }),
    copier: skopeoCopier(files),
    login,
    putImages,
    // CodeBuild's clock of the build started before ours.
    deadline: deadlineOf(Number(process.env.CODEBUILD_START_TIME ?? now()), Number(environment.BUILD_TIMEOUT_MINUTES)),
    dryRun,
    print,
    sleep,
    random: Math.random,
    now,
  });
}

main(process.argv.slice(2)).then(
  code => { process.exitCode = code; },
  (error: unknown) => {
    print(`failed: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  },
);
