import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { settle } from './settle';
import { HOOKS_SECRET, MirrorSettings, PACKAGES_SECRET, STACK, synthesize } from './synth';
import { LocalCloud, LocalCloudOptions } from '../aws/cloud';
import type { CloudEvent } from '../aws/core/service';
import type { Ecr } from '../aws/services/ecr/ecr';
import type { Faults } from '../faults';
import { GitHub, GitHubOptions, startGitHub } from '../github';
import type { HttpServer } from '../http-server';
import { RegistryClient } from '../registry/client';
import { startDistribution } from '../registry/distribution';
import { GhcrOptions, startGhcr } from '../registry/ghcr';
import type { Manifest } from '../registry/images';
import { startRegistry } from '../registry/registry';
import { registriesConf } from '../registry/skopeo';

/** The registry that stores the content of GHCR and of ECR: our own, or CNCF distribution. */
export type RegistryKind = 'embedded' | 'distribution';

export interface WorldOptions {
  /** Display name of the organization. @default 'My-Org' */
  readonly organization?: string;
  /** @default the environment variable REGISTRY_KIND, else 'embedded' */
  readonly registries?: RegistryKind;
  readonly seed?: number;
  readonly mirror?: Omit<MirrorSettings, 'organization'>;
  readonly cloud?: Omit<LocalCloudOptions, 'ecrBacking' | 'seed'>;
  readonly gitHub?: Omit<GitHubOptions, 'organization' | 'tokens' | 'registryHost' | 'resolveUrl'>;
  readonly ghcr?: Pick<GhcrOptions, 'lagMs' | 'tokenLifetimeMs' | 'redirectBlobs'> & { readonly faults?: Faults };
  readonly onEvent?: (event: CloudEvent) => void;
  /** Runs before the deployment, for example to publish packages or to change the synthesized assembly. */
  readonly beforeDeploy?: (world: World, assembly: string) => Promise<void> | void;
}

type Deployed = Awaited<ReturnType<LocalCloud['deploy']>>;

/** GitHub, GHCR and an AWS account on this machine, with the mirror deployed between them. */
export class World {
  /** Starts everything and deploys. What has started is ended when a step fails. */
  public static async start(options: WorldOptions = {}): Promise<World> {
    const world = new World(options);
    try {
      await world.begin();
    } catch (error) {
      await world.close();
      throw error;
    }
    return world;
  }

  public readonly organization: string;
  /** Tokens of this run: random, so that no fixture and no log of another run can hold them. */
  public readonly tokens = { packages: token('ghp'), hooks: token('github_pat'), publisher: token('ghp') };
  private readonly directory = mkdtempSync(join(tmpdir(), 'ghcr2ecr-world-'));
  private readonly closers: (() => Promise<void> | void)[] = [];
  private started: { github: GitHub; ghcr: HttpServer; cloud: LocalCloud; ecr: Ecr } | undefined;
  private deployed: Deployed | undefined;
  private assemblies = 0;

  private constructor(private readonly options: WorldOptions) {
    this.organization = options.organization ?? 'My-Org';
  }

  public get github(): GitHub { return this.now.github; }
  public get ghcr(): HttpServer { return this.now.ghcr; }
  public get cloud(): LocalCloud { return this.now.cloud; }
  public get ecr(): Ecr { return this.now.ecr; }

  public get stack(): Deployed {
    if (!this.deployed) { throw new Error('the mirror is not deployed'); }
    return this.deployed;
  }

  /** Lower-case organization: the namespace of GHCR, and the default prefix of ECR. */
  public get namespace(): string {
    return this.organization.toLowerCase();
  }

  /** Pushes to GHCR as a workflow would. @param reference `app`, with the tags that it gets */
  public async push(packageName: string, image: Manifest, ...tags: string[]): Promise<void> {
    await this.publisher().push(`${this.namespace}/${packageName}`, image, ...tags);
  }

  /** Digest that GHCR serves for a tag, hashed from the bytes. */
  public source(packageName: string, tag: string): Promise<string | undefined> {
    return this.publisher().manifestDigest(`${this.namespace}/${packageName}`, tag);
  }

  /** Digest that ECR's registry serves for a tag, hashed from the bytes. */
  public target(packageName: string, tag: string, prefix = this.namespace): Promise<string | undefined> {
    return this.puller().manifestDigest(prefix === '' ? packageName : `${prefix}/${packageName}`, tag);
  }

  /** A client of ECR's registry with an administrator's rights. */
  public puller(): RegistryClient {
    const [user, password] = this.ecr.credentials(this.cloud.administrator).split(':');
    return new RegistryClient({ url: this.ecr.url, user, password });
  }

  /** Every tag of every package in GHCR. */
  public published(): { package: string; tag: string; digest: string }[] {
    return this.github.containerPackages().flatMap(({ name, versions }) =>
      versions.flatMap(version => version.tags.map(tag => ({ package: name, tag, digest: version.name }))));
  }

  /**
   * Resolves when no delivery, message, invocation or build is under way. Pauses of hidden messages are passed by the
   * cloud's clock.
   */
  public async settled(timeoutMs = 120_000): Promise<void> {
    await settle(this, { timeoutMs });
  }

  /** Brings the stack to other settings, as a second `cdk deploy` does. */
  public async redeploy(
    mirror: Omit<MirrorSettings, 'organization'> & { readonly organization?: string },
  ): Promise<void> {
    await this.stack.update(this.synthesize(mirror));
  }

  public async close(): Promise<void> {
    for (const close of this.closers.reverse()) { await close(); }
    this.closers.length = 0;
    rmSync(this.directory, { recursive: true, force: true });
  }

  private get now(): NonNullable<World['started']> {
    if (!this.started) { throw new Error('the world has not started'); }
    return this.started;
  }

  private publisher(): RegistryClient {
    return new RegistryClient({ url: this.ghcr.url, user: 'workflow', password: this.tokens.publisher });
  }

  private async begin(): Promise<void> {
    const { options } = this;
    const kind = options.registries ?? registryKind();
    const [source, target] = [await this.backing(kind), await this.backing(kind)];
    const ghcr = this.closing(await startGhcr({
      ...options.ghcr,
      backing: source,
      // Nobody deletes in this world.
      allows: (user, password, repository, action) => action !== 'delete'
        && this.github.allowsRegistry(user, password, repository, action),
      onPush: put => { this.github.recordPush(put); },
    }));
    const github = this.closing(await startGitHub({
      ...options.gitHub,
      organization: this.organization,
      tokens: [
        { value: this.tokens.packages, kind: 'classic', scopes: ['read:packages'] },
        { value: this.tokens.publisher, kind: 'classic', scopes: ['read:packages', 'write:packages'] },
        { value: this.tokens.hooks, kind: 'fine-grained', permissions: { organization_hooks: 'write' }, owner: true },
      ],
      registryHost: ghcr.host,
      resolveUrl: url => this.cloud.resolveUrl(url),
    }));
    // The registries here speak plain HTTP. skopeo 1.9 takes that from a file in the home directory alone.
    const homeFiles: Record<string, string> = {};
    const cloud = this.closing(await LocalCloud.start({
      ...options.cloud,
      seed: options.seed,
      ecrBacking: target,
      codebuild: { ...options.cloud?.codebuild, homeFiles },
    }));
    if (options.onEvent) { cloud.onEvent(options.onEvent); }
    const { ecr, secretsManager } = cloud.services;
    if (!ecr) { throw new Error('the local cloud has no ECR'); }
    homeFiles['.config/containers/registries.conf'] = registriesConf([ghcr.host, ecr.host]);
    this.started = { github, ghcr, cloud, ecr };

    secretsManager.createSecret(PACKAGES_SECRET, this.tokens.packages);
    secretsManager.createSecret(HOOKS_SECRET, this.tokens.hooks);
    const assembly = this.synthesize(options.mirror ?? {});
    await options.beforeDeploy?.(this, assembly);
    this.deployed = await cloud.deploy({ assembly, stackName: STACK });
  }

  private synthesize(mirror: Omit<MirrorSettings, 'organization'> & { readonly organization?: string }): string {
    return synthesize(join(this.directory, `assembly-${++this.assemblies}`), {
      organization: this.organization,
      githubApiUrl: this.github.url,
      registryHost: this.ghcr.host,
      ...mirror,
    });
  }

  private async backing(kind: RegistryKind): Promise<{ readonly url: string }> {
    return this.closing(kind === 'distribution' ? await startDistribution() : await startRegistry());
  }

  private closing<T extends { close(): Promise<void> | void }>(part: T): T {
    this.closers.push(() => part.close());
    return part;
  }
}

/** Which registry the whole suite runs against. */
function registryKind(): RegistryKind {
  const kind = process.env.REGISTRY_KIND ?? 'embedded';
  if (kind !== 'embedded' && kind !== 'distribution') {
    throw new Error(`REGISTRY_KIND is "${kind}", expected "embedded" or "distribution"`);
  }
  return kind;
}

function token(kind: string): string {
  return `${kind}_${randomBytes(24).toString('hex')}`;
}
