import { setTimeout as sleep } from 'node:timers/promises';
import { ECRClient } from '@aws-sdk/client-ecr';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { createSkopeoFiles, SkopeoFiles } from './auth-file';
import { deadlineOf } from './deadline';
import { requestedPackages } from './options';
import { RateLimit } from './pace';
import type { Report } from './report';
import { RequestCount } from './request-count';
import type { Target } from './run';
import { skopeoCopier } from './skopeo';
import { sourceRegistry } from './source-registry';
import { sync } from './sync';
import { Environment, SYNC_ENVIRONMENT } from '../../src/domain/contract';
import { createRepository, listImages, putImage, RegistryLogin, registryLogin, tagImage, taggedImages } from '../shared/ecr';
import { readEnvironment } from '../shared/environment';
import { gitHubPackages } from '../shared/github';
import { planPackage } from '../shared/inventory';
import { readSecret, secretName } from '../shared/secrets';

/** Any non-empty user name will do for GHCR: the token says who it is. */
const GHCR_USER = 'token';

const now = (): number => Date.now();
const sleepFor = (ms: number, signal?: AbortSignal): Promise<void> => sleep(ms, undefined, { signal });
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
  const requests = new RequestCount();
  const ecr = requests.ofClient('ecr', new ECRClient({ maxAttempts: 10 }));
  const secretsManager = requests.ofClient('secretsManager', new SecretsManagerClient({}));
  const readToken = (): Promise<string> => readSecret(secretsManager, environment.PACKAGES_TOKEN_ARN);
  let token = await readToken();
  const github = gitHubPackages({
    apiUrl: environment.GITHUB_API_URL,
    organization: environment.ORGANIZATION,
    token,
    tokenName: secretName(environment.PACKAGES_TOKEN_ARN),
    maxWaitSeconds: 900,
    warn: print,
    onRequest: () => requests.add('github'),
  });
  const login = async (): Promise<RegistryLogin> => {
    // Read anew: a long build outlives a rotation.
    token = await readToken();
    const target = await registryLogin(ecr);
    await files.login([{ host: environment.REGISTRY_HOST, user: GHCR_USER, password: token }, target]);
    return target;
  };
  const putImages = new RateLimit(Number(environment.PUT_IMAGE_RATE), now, sleepFor);
  return sync(requestedPackages(process.env) ?? await github.listPackages(), {
    organization: environment.ORGANIZATION,
    registryHost: environment.REGISTRY_HOST,
    plan: name => planPackage(name, { github, ecr, prefix: environment.REPOSITORY_PREFIX }),
    target: ecrTarget(ecr, login, putImages),
    source: sourceRegistry({ host: environment.REGISTRY_HOST, user: GHCR_USER, token: () => token, count: () => requests.add('registry') }),
    copier: skopeoCopier(files),
    login: async () => { await login(); },
    putImages,
    // CodeBuild's clock of the build started before ours.
    deadline: deadlineOf(Number(process.env.CODEBUILD_START_TIME ?? now()), Number(environment.BUILD_TIMEOUT_MINUTES)),
    dryRun,
    print,
    sleep: sleepFor,
    random: Math.random,
    now,
    requests: () => requests.counts,
  });
}

/** BatchGetImage takes no more. */
const TAGS_AT_ONCE = 100;

function ecrTarget(ecr: ECRClient, login: () => Promise<RegistryLogin>, putImages: RateLimit): Target {
  // One registry serves the whole account.
  let loggedIn: Promise<RegistryLogin> | undefined;
  return {
    async ensureRepository(repository, exists) {
      const [{ host }] = await Promise.all([loggedIn ??= login(), exists ? undefined : createRepository(ecr, repository)]);
      return `${host}/${repository}`;
    },
    tag: (repository, digest, tags) => tagImage(ecr, repository, digest, tags, () => putImages.take(1)),
    put: (repository, { bytes, contentType }, digest, tag) =>
      putImage(ecr, repository, { manifest: bytes.toString('utf8'), mediaType: contentType, digest, tag }),
    list: async (repository, tags) =>
      tags.length > TAGS_AT_ONCE ? listImages(ecr, repository) : { tags: await taggedImages(ecr, repository, tags) },
  };
}

main(process.argv.slice(2)).then(
  code => { process.exitCode = code; },
  (error: unknown) => {
    print(`failed: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  },
);
