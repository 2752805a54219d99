import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Duration } from 'aws-cdk-lib';
import { countTraffic, Wire } from './count';
import { childProcesses, quiet, roleArn } from './help';
import { Network } from './network';
import type { Addresses, Distance, Operations, ServerOptions, Traffic, WebhookFunction } from './protocol';
import { mirrorAll, publishAll, publishOne, Seeder } from './seed';
import { compareDigests, Mirrored, Verified } from './verify';
import { LocalCloud } from '../../sandbox/aws/cloud';
import type { CoreContext } from '../../sandbox/aws/core/context';
import { list, record, string } from '../../sandbox/aws/core/json';
import type { Stack } from '../../sandbox/aws/core/stack';
import type { Ecr } from '../../sandbox/aws/services/ecr/ecr';
import { GitHub, startGitHub } from '../../sandbox/github';
import { RegistryClient } from '../../sandbox/registry/client';
import { Ghcr, startGhcr } from '../../sandbox/registry/ghcr';
import { startRegistry } from '../../sandbox/registry/registry';
import { PACKAGES_SECRET, STACK, synthesize } from '../../sandbox/world/synth';
import { find, mutate, readTemplate } from '../../sandbox/world/template';
import { Environment, SYNC_ENVIRONMENT, WEBHOOK_ENVIRONMENT } from '../../src/contract/environment';
import { SyncMessage } from '../../src/contract/messages';
import { insecureRegistries } from '../home';
import { newImage, packageNames } from '../inputs';

const ORGANIZATION = 'My-Org';
const NAMESPACE = ORGANIZATION.toLowerCase();
const PUT_RATE_UNLIMITED = '1000000';

interface Started {
  readonly github: GitHub;
  readonly ghcr: Ghcr;
  readonly cloud: LocalCloud;
  readonly ecr: Ecr;
  readonly context: CoreContext;
  readonly stack: Stack;
  /** The construct's default. */
  readonly putImageRate: string;
}

/** GitHub, GHCR and an AWS account with the mirror deployed, at one distance from whoever works with them. */
export class Site implements Operations {
  private readonly directory = mkdtempSync(join(tmpdir(), 'ghcr2ecr-bench-'));
  private readonly network = new Network();
  private readonly source = new Seeder(join(this.directory, 'ghcr'));
  private readonly target = new Seeder(join(this.directory, 'ecr'));
  private readonly token = `ghp_${randomBytes(24).toString('hex')}`;
  private readonly closers: (() => Promise<void>)[] = [];
  private started: (Started & { readonly options: ServerOptions; readonly wires: readonly Wire[] }) | undefined;
  private published = 0;
  private refused = 0;
  private marked = { aws: 0, refused: 0, connections: 0 };

  public async start(options: ServerOptions): Promise<Addresses> {
    const { input } = options;
    const started = await this.begin(options);
    publishAll(input, NAMESPACE, this.source, started.github);
    if (options.mirrored) { await mirrorAll(input, NAMESPACE, this.target, started.context); }
    const { github, ghcr, ecr, cloud } = started;
    const wires: Wire[] = [
      { name: 'github', requests: github.server.requests },
      { name: 'ghcr', requests: ghcr.requests },
      // Blobs come from another host, as ghcr.io does it; the redirect is a request of its own.
      { name: 'ghcr', requests: ghcr.content?.requests ?? [] },
      { name: 'ecr', requests: ecr.requests },
    ];
    this.started = { ...started, options, wires };
    await this.mark();
    return {
      pid: process.pid,
      ghcr: ghcr.host,
      ecr: ecr.host,
      namespace: NAMESPACE,
      packagesToken: this.token,
      ecrPassword: ecr.credentials(cloud.administrator).slice('AWS:'.length),
      syncEnvironment: this.syncEnvironment(started, options),
      webhook: await this.webhook(started),
    };
  }

  public async moveTo({ roundTripMs, connectionRoundTrips }: Distance): Promise<void> {
    this.network.measureAt(roundTripMs, connectionRoundTrips);
  }

  public async createRepositories(prefix: string): Promise<void> {
    const { context, options } = this.now;
    await this.network.atOnce(async () => {
      for (const name of packageNames(options.input)) {
        await context.call(context.administrator, 'ecr', 'CreateRepository', { repositoryName: `${prefix}/${name}` });
      }
    });
  }

  public async mark(): Promise<void> {
    for (const { requests } of this.now.wires) { requests.length = 0; }
    this.marked = { aws: this.awsRequests(), refused: this.refused, connections: this.network.connections };
  }

  public async traffic(): Promise<Traffic> {
    const counted = countTraffic(
      this.now.wires,
      new Map([...this.source.sizes, ...this.target.sizes]),
      this.awsRequests() - this.marked.aws,
    );
    return {
      ...counted,
      connections: this.network.connections - this.marked.connections,
      throttled: counted.throttled + this.refused - this.marked.refused,
    };
  }

  public async publish(
    packageNumber: number,
  ): Promise<{ readonly package: string; readonly tag: string; readonly digest: string }> {
    const { github, options } = this.now;
    const one = newImage(options.input, packageNumber, ++this.published);
    publishOne(one, NAMESPACE, this.source, github);
    return { package: one.package, tag: one.tags[0], digest: one.manifest.digest };
  }

  public async coolDown(): Promise<void> {
    for (const pid of childProcesses(process.pid, 'lambda-bootstrap')) { process.kill(pid, 'SIGKILL'); }
    await sleep(100);
  }

  public async reconcile(
    message: SyncMessage,
  ): Promise<{ readonly seconds: number; readonly builds: number; readonly problems: readonly string[] }> {
    const { cloud, context, stack } = this.now;
    const before = cloud.services.codeBuild.builds.length;
    const problems: string[] = [];
    const unwatch = cloud.onEvent(event => {
      if (event.kind === 'refused' || event.kind === 'poll-failed') {
        problems.push(`${event.resource} ${event.kind}: ${event.text}`);
      }
    });
    const start = performance.now();
    await context.call(context.administrator, 'sqs', 'SendMessage', {
      QueueUrl: stack.outputs.QueueUrl,
      MessageBody: JSON.stringify(message),
    });
    const end = await quiet(() => cloud.busy().length > 0, 400);
    unwatch();
    const builds = cloud.services.codeBuild.builds.slice(before);
    return {
      seconds: (end - start) / 1000,
      builds: builds.length,
      problems: [...problems, ...builds.filter(build => build.status !== 'SUCCEEDED')
        .map(build => `build ${build.id} ended with ${build.status}`)],
    };
  }

  public verify(of: Mirrored): Promise<Verified> {
    const { ecr, github, cloud } = this.now;
    const password = ecr.credentials(cloud.administrator).slice('AWS:'.length);
    const expected = github.containerPackages().flatMap(({ name, versions }) =>
      versions.flatMap(version => version.tags.map(tag => ({ package: name, tag, digest: version.name }))));
    return this.network.atOnce(() =>
      compareDigests(new RegistryClient({ url: ecr.url, user: 'AWS', password }), expected, of));
  }

  public async close(): Promise<void> {
    for (const close of this.closers.reverse()) { await close(); }
    this.closers.length = 0;
    rmSync(this.directory, { recursive: true, force: true });
  }

  private get now(): NonNullable<Site['started']> {
    if (!this.started) { throw new Error('the servers have not started'); }
    return this.started;
  }

  private awsRequests(): number {
    return this.network.arrivedAt(Number(new URL(this.now.cloud.endpointUrl).port));
  }

  private async begin(options: ServerOptions): Promise<Started> {
    const faults = this.network;
    const sourceStore = this.closing(await startRegistry({ directory: join(this.directory, 'ghcr') }));
    const targetStore = this.closing(await startRegistry({ directory: join(this.directory, 'ecr') }));
    const ghcr = this.closing(await startGhcr({
      backing: sourceStore,
      allows: (_user, password, _repository, action) => password === this.token && action === 'pull',
      redirectBlobs: true,
      faults,
      contentFaults: faults,
    }));
    const github = this.closing(await startGitHub({
      organization: ORGANIZATION,
      tokens: [{ value: this.token, kind: 'classic', scopes: ['read:packages'] }],
      registryHost: ghcr.host,
      faults,
      // Its limits are not what is measured; 5,000 requests an hour would end the benchmark, not the programs.
      rateLimit: { limit: 1_000_000, pointsPerMinute: 1_000_000 },
    }));
    let context: CoreContext | undefined;
    const homeFiles: Record<string, string> = {};
    const cloud = this.closing(await LocalCloud.start({
      ecrBacking: targetStore,
      faults,
      ecr: { faults, putImagePerSecond: options.putImagePerSecond },
      codebuild: { homeFiles },
      extraModules: { bench: given => { context = given; return { providers: [] }; } },
    }));
    const { ecr, secretsManager } = cloud.services;
    if (!ecr || !context) { throw new Error('the local cloud started without ECR'); }
    homeFiles['.config/containers/registries.conf'] = insecureRegistries(ghcr.host, ecr.host);
    secretsManager.createSecret(PACKAGES_SECRET, this.token);
    const assembly = synthesize(join(this.directory, 'assembly'), {
      organization: ORGANIZATION,
      githubApiUrl: github.url,
      registryHost: ghcr.host,
      registerWebhook: false,
      coalescingWindow: Duration.seconds(0),
    });
    mutate(assembly, template => {
      find(template, 'AWS::Lambda::EventSourceMapping').Properties.Enabled = options.dispatch ?? true;
    });
    const stack = await cloud.deploy({ stackName: STACK, assembly });
    // The registration of the stack asks for a first full sync: nothing is there yet.
    // Without dispatch that request stays.
    if (options.dispatch ?? true) { await cloud.idle(); }
    cloud.onEvent(event => {
      if (event.kind === 'refused' && event.text.startsWith('ThrottlingException')) { this.refused++; }
    });
    return { github, ghcr, cloud, ecr, context, stack, putImageRate: putImageRateOf(assembly) };
  }

  private syncEnvironment(
    { context, stack, github, ghcr, putImageRate }: Started,
    { putImagePerSecond }: ServerOptions,
  ): Record<string, string> {
    const environment: Environment<typeof SYNC_ENVIRONMENT> = {
      BUILD_TIMEOUT_MINUTES: '60',
      ENGINE: 'direct',
      GITHUB_API_URL: github.url,
      ORGANIZATION,
      PACKAGES_TOKEN_ARN: `arn:${context.partition}:secretsmanager:${context.region}:${context.account}:`
        + `secret:${PACKAGES_SECRET}`,
      // The highest rate that the account's quota of PutImage allows, as the prop's documentation recommends.
      PUT_IMAGE_RATE: putImagePerSecond === undefined ? PUT_RATE_UNLIMITED : putImageRate,
      REGISTRY_HOST: ghcr.host,
      REPOSITORY_PREFIX: NAMESPACE,
    };
    return { ...environment, ...context.processEnvironment(roleArn(stack, /Sync/), 'bench') };
  }

  private async webhook({ context, stack }: Started): Promise<WebhookFunction> {
    const { SecretString: secret } = await context.call(context.administrator, 'secretsmanager', 'GetSecretValue', {
      SecretId: stack.outputs.WebhookSecretArn,
    });
    const environment: Environment<typeof WEBHOOK_ENVIRONMENT> = {
      ORGANIZATION, QUEUE_URL: stack.outputs.QueueUrl, WEBHOOK_SECRET_ARN: stack.outputs.WebhookSecretArn,
    };
    return {
      environment: { ...environment, ...context.processEnvironment(roleArn(stack, /Webhook/), 'bench') },
      aliases: Object.fromEntries(context.aliases),
      secret: String(secret),
      directory: join(__dirname, '..', '..', 'assets', 'lambda', 'webhook'),
      handler: 'index.handler',
      arn: `arn:aws:lambda:${context.region}:${context.account}:function:webhook`,
    };
  }

  private closing<T extends { close(): Promise<void> }>(part: T): T {
    this.closers.push(() => part.close());
    return part;
  }
}

function putImageRateOf(assembly: string): string {
  const { Environment: environment } = find(readTemplate(assembly), 'AWS::CodeBuild::Project').Properties;
  const variables = list(record(environment, 'Environment').EnvironmentVariables, 'EnvironmentVariables')
    .map(variable => record(variable, 'variable'));
  return string(variables.find(({ Name }) => Name === 'PUT_IMAGE_RATE')?.Value, 'PUT_IMAGE_RATE');
}
