import { setTimeout as sleep } from 'node:timers/promises';
import { ECRClient } from '@aws-sdk/client-ecr';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { deadlineOf, startOfBuild } from './build-deadline';
import type { Target } from './context';
import { blobMover } from './copy/blobs';
import { Registry } from './registry/client';
import { Connections } from './registry/connections';
import { RegistryLogins } from './registry/registry-logins';
import { sourceRegistry } from './registry/source';
import { targetBlobs } from './registry/target';
import type { Report } from './report';
import { RequestCount } from './request-count';
import { requestedPackages } from './requested-packages';
import { TokenBucket } from './resilience/token-bucket';
import { concurrentProcesses } from './skopeo/concurrency';
import { Skopeo } from './skopeo/skopeo';
import { sync } from './sync';
import { CopyEngine } from '../../src/contract/copy-engine';
import { Environment, SYNC_ENVIRONMENT } from '../../src/contract/environment';
import { sourceRepository } from '../../src/image-name';
import { createRepository, imageManifest, listImages, putImage } from '../shared/ecr';
import { readEnvironment } from '../shared/environment';
import { messageOf } from '../shared/errors';
import { gitHubPackages } from '../shared/github-packages';
import { planPackage } from '../shared/inventory';
import { oneLine } from '../shared/one-line';
import { readSecret, secretName } from '../shared/secrets';

const now = (): number => Date.now();
const sleepFor = (ms: number, signal?: AbortSignal): Promise<void> => sleep(ms, undefined, { signal });
const print = (line: string): void => { process.stdout.write(`${oneLine(line)}\n`); };

async function main(args: readonly string[]): Promise<number> {
  const dryRun = args.includes('--dry-run');
  const report = await syncPackages(readEnvironment(SYNC_ENVIRONMENT), dryRun);
  return report.failed > 0 || (report.left > 0 && !dryRun) ? 1 : 0;
}

async function syncPackages(environment: Environment<typeof SYNC_ENVIRONMENT>, dryRun: boolean): Promise<Report> {
  const requests = new RequestCount();
  const ecr = requests.ofClient('ecr', new ECRClient({ maxAttempts: 10 }));
  const secretsManager = requests.ofClient('secretsManager', new SecretsManagerClient({}));
  const readToken = (): Promise<string> => readSecret(secretsManager, environment.PACKAGES_TOKEN_ARN);
  const token = await readToken();
  const github = gitHubPackages({
    apiUrl: environment.GITHUB_API_URL,
    organization: environment.ORGANIZATION,
    token,
    tokenName: secretName(environment.PACKAGES_TOKEN_ARN),
    maxWaitSeconds: 900,
    warn: print,
    onRequest: () => requests.add('github'),
  });
  const logins = new RegistryLogins(ecr, environment.REGISTRY_HOST, token, readToken);
  const connections = new Connections();
  const sourceClient = new Registry({ connections, login: () => logins.source, count: () => requests.add('registry') });
  const source = sourceRegistry(sourceClient);
  const target = targetBlobs(new Registry({
    connections, login: () => logins.target, basic: true, count: () => requests.add('ecrRegistry'),
  }));
  const skopeo = new Skopeo({ logins: () => [logins.source, logins.target], print });
  const putImageRate = Number(environment.PUT_IMAGE_RATE);
  const requested = requestedPackages(process.env);
  // Dispatch names packages that lack something: their tokens will be needed. Of a whole organization, few packages do.
  requested?.forEach(name => sourceClient.prepare(sourceRepository(environment.ORGANIZATION, name)));
  try {
    return await sync(requested ?? await github.listPackages(), {
      organization: environment.ORGANIZATION,
      registryHost: environment.REGISTRY_HOST,
      plan: name => planPackage(name, { github, ecr, prefix: environment.REPOSITORY_PREFIX }),
      // A put that fails is tried again at the pace, not at the SDK's. Both clients share their
      // connections, and the count of requests.
      target: ecrTarget(ecr, new ECRClient({ maxAttempts: 1, requestHandler: ecr.config.requestHandler }), logins),
      source,
      blobs: blobMover(source, target, print),
      skopeo,
      engine: engineChoice(environment.ENGINE, skopeo),
      concurrentProcesses: concurrentProcesses(putImageRate),
      renewLogins: () => logins.renew(),
      putImages: new TokenBucket(putImageRate, now, sleepFor),
      deadline: deadlineOf(startOfBuild(process.env, now()), Number(environment.BUILD_TIMEOUT_MINUTES)),
      dryRun,
      print,
      sleep: sleepFor,
      random: Math.random,
      now,
      requests: () => requests.counts,
    });
  } finally {
    connections.close();
    await skopeo.remove();
  }
}

/**
 * The engine that the user has chosen, or the direct one when skopeo is neither in the build image nor could be
 * installed. Asked when the first image is copied, and answered once.
 */
function engineChoice(chosen: string, skopeo: Skopeo): () => Promise<CopyEngine> {
  const choose = async (): Promise<CopyEngine> => {
    if (chosen !== CopyEngine.SKOPEO) { return CopyEngine.DIRECT; }
    if (await skopeo.available()) { return CopyEngine.SKOPEO; }
    print('skopeo is not there and could not be installed: this build copies with the direct engine.');
    return CopyEngine.DIRECT;
  };
  let choice: Promise<CopyEngine> | undefined;
  return () => choice ??= choose();
}

function ecrTarget(ecr: ECRClient, ecrPuts: ECRClient, logins: RegistryLogins): Target {
  // One registry serves the whole account. The login begins while the packages are planned;
  // the first repository awaits it.
  const loggedIn = logins.begin();
  loggedIn.catch(() => undefined);
  return {
    async ensureRepository(repository, exists) {
      await Promise.all([loggedIn, exists ? undefined : createRepository(ecr, repository)]);
      return `${logins.target.host}/${repository}`;
    },
    manifest: async (repository, digest) => {
      const { manifest, mediaType } = await imageManifest(ecr, repository, digest);
      return { bytes: Buffer.from(manifest), contentType: mediaType ?? '' };
    },
    put: (repository, { bytes, contentType }, digest, tag) =>
      putImage(
        ecrPuts,
        repository,
        { manifest: bytes.toString('utf8'), mediaType: contentType || undefined, digest, tag },
      ),
    // Not BatchGetImage: ECR counts it as a pull, and lifecycle rules go by the time of the last one.
    list: repository => listImages(ecr, repository),
  };
}

main(process.argv.slice(2)).then(
  code => { process.exitCode = code; },
  (error: unknown) => {
    print(`failed: ${messageOf(error)}`);
    process.exitCode = 1;
  },
);
