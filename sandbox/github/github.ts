import { seededRandom } from '../faults';
import { HttpServer, serve } from '../http-server';
import { Announcer } from './announcer';
import { mayUseRegistry, Tokens } from './auth';
import { Deliveries, Delivery, DeliverySettings, Message, ReleaseOrder } from './deliveries';
import { Hook, Hooks } from './hooks';
import { hookRoutes, restHook } from './hooks-api';
import type { GitHubClock, GitHubOptions, Visibility } from './options';
import { packageRoutes } from './packages-api';
import { ManifestPut, SENDER } from './payload';
import { Organization, organizationOfPayload, simpleUser, Site } from './people';
import { RateLimits } from './rate-limit';
import type { Route } from './routes';
import { apiHandler } from './server';
import { Package, PackageStore, PackageType, Version, versionsOf } from './store';
import { systemClock } from './system-clock';

const ORGANIZATION_ID = 170_000_001;

/**
 * GitHub with one organization: packages, organization hooks and their deliveries.
 *
 * Known differences: hooks may point to loopback over plain HTTP (unless `refuseLoopback`), `internal` and
 * `private` are the same to readers, and nothing can be deleted through REST but hooks. Nobody documents, and a
 * client should not depend on: the words for failed deliveries, the answers to tokens of the wrong kind, the order
 * of lists, and which tag an event names.
 */
export class GitHub {
  public readonly tokens: Tokens;
  public readonly rateLimits: RateLimits;
  public readonly organization: Organization;
  private readonly clock: GitHubClock;
  private readonly store: PackageStore;
  private readonly hookStore: Hooks;
  private readonly courier: Deliveries;
  private readonly courierSettings: DeliverySettings;
  private readonly registryHost: string;
  private running?: { readonly server: HttpServer; readonly site: Site; readonly announcer: Announcer };

  constructor(private readonly options: GitHubOptions) {
    const random = options.random ?? seededRandom(1);
    this.clock = options.clock ?? systemClock;
    const now = (): number => this.clock.now();
    this.organization = { id: ORGANIZATION_ID, login: options.organization };
    this.registryHost = options.registryHost ?? 'ghcr.io';
    this.tokens = new Tokens(options.tokens, now);
    this.rateLimits = new RateLimits(options.rateLimit ?? {}, now);
    this.store = new PackageStore(now);
    this.hookStore = new Hooks(now, options.refuseLoopback ?? false);
    this.courierSettings = {
      clock: this.clock,
      random,
      organizationId: ORGANIZATION_ID,
      delayMs: options.deliveryDelayMs ?? 0,
      timeoutMs: options.deliveryTimeoutMs ?? (options.prefix ? 30_000 : 10_000),
      resolveUrl: options.resolveUrl ?? (url => url),
      duplicates: options.duplicateDeliveries ?? 0,
    };
    this.courier = new Deliveries(this.courierSettings);
  }

  /** Starts to answer. `startGitHub` does it. */
  public async listen(): Promise<this> {
    const { faults, port, prefix = '', latencyMs = 0 } = this.options;
    const think = (): Promise<void> => this.clock.sleep(latencyMs);
    const routes: Route[] = [];
    const site = { api: '', html: 'https://github.com' };
    const { organization, tokens, rateLimits } = this;
    const server = await serve(
      apiHandler({ site, organization, prefix, tokens, rateLimits, routes, think }),
      { faults, port },
    );
    site.api = `${server.url}${prefix}`;
    if (prefix) { site.html = server.url; }
    routes.push(...this.routes(site));
    const announcer = new Announcer({
      hooks: this.hookStore,
      deliveries: this.courier,
      context: { site, organization, registryHost: this.registryHost },
      tagWindowMs: this.options.tagWindowMs ?? 50,
      unlinkedPackages: this.options.unlinkedPackages ?? 'deliver',
    });
    this.running = { server, site, announcer };
    return this;
  }

  // ---------------------------------------------------------------------------------------------- the server

  /** Base of the REST API, with the prefix of GitHub Enterprise Server where asked for. */
  public get url(): string { return this.now.site.api; }

  /** Requests and faults of the REST API. */
  public get server(): HttpServer { return this.now.server; }

  public async close(): Promise<void> {
    await this.courier.close();
    await this.now.server.close();
  }

  // ---------------------------------------------------------------------------------------------- packages

  /**
   * Takes a manifest that reached the registry and tells the hooks.
   * A push to another owner's namespace is none of this organization's business: undefined.
   */
  public recordPush(put: ManifestPut): { readonly package: Package; readonly version: Version } | undefined {
    const [namespace, ...name] = put.repository.split('/');
    if (namespace !== this.organization.login.toLowerCase()) { return undefined; }
    const tag = put.reference.startsWith('sha256:') ? undefined : put.reference;
    const target = this.store.find('container', name.join('/')) ?? this.addPackage(name.join('/'));
    const { version, isNew } = this.store.push(target, put.digest, tag);
    this.now.announcer.announce({
      action: isNew ? 'published' : 'updated',
      package: target,
      version,
      tag: tag ?? '',
      put,
    });
    return { package: target, version };
  }

  /** Adds a package of any type, or changes its settings and adds versions. Tells nobody. */
  public addPackage(name: string, settings: AddPackageSettings = {}): Package {
    const linked = this.options.linkRepositories === 'none' ? undefined : name.split('/')[0];
    const {
      type = 'container',
      visibility = this.options.visibility ?? 'private',
      repository = linked,
      versions = [],
    } = settings;
    const added = this.store.add(type, name, { visibility, repository: repository ?? undefined });
    for (const { name: version, tags = [undefined] } of versions) {
      tags.forEach(tag => this.store.push(added, version, tag));
    }
    return added;
  }

  /** The container packages with their active versions, newest first. */
  public containerPackages(): { readonly name: string; readonly versions: readonly Version[] }[] {
    return this.store.list('container').map(each => ({ name: each.name, versions: versionsOf(each) }));
  }

  public package(name: string, type: PackageType = 'container'): Package {
    const found = this.store.find(type, name);
    if (!found) {
      throw new Error(`no ${type} package "${name}"; there are: `
        + `${this.store.list(type).map(each => each.name).join(', ') || 'none'}`);
    }
    return found;
  }

  public setVisibility(name: string, visibility: Visibility): void {
    this.package(name).visibility = visibility;
  }

  public deletePackage(name: string, type: PackageType = 'container'): void {
    this.store.delete(this.package(name, type));
  }

  /** Deletes the version with this digest. No event tells of it. */
  public deleteVersion(name: string, digest: string): void {
    const target = this.package(name);
    const version = target.active.get(digest);
    if (!version) {
      throw new Error(`package "${name}" has no version ${digest}; it has: `
        + `${[...target.active.keys()].join(', ') || 'none'}`);
    }
    this.store.deleteVersion(target, version);
  }

  /** What GHCR asks: may these credentials pull or push `my-org/app`? Without a password the caller is anonymous. */
  public allowsRegistry(user: string, password: string, repository: string, action: 'pull' | 'push'): boolean {
    const [namespace, ...name] = repository.split('/');
    if (namespace !== this.organization.login.toLowerCase()) { return false; }
    const anonymous = user === '' && password === '';
    return mayUseRegistry(
      this.tokens.find(password),
      anonymous,
      this.store.find('container', name.join('/'))?.visibility,
      action,
    );
  }

  // ---------------------------------------------------------------------------------------------- hooks and deliveries

  public get hooks(): readonly Hook[] { return this.hookStore.list(); }

  /** Every attempt that ended, in order. */
  public get deliveries(): readonly Delivery[] { return this.courier.log; }

  public get duplicateDeliveries(): number { return this.courierSettings.duplicates; }
  public set duplicateDeliveries(chance: number) { this.courierSettings.duplicates = chance; }

  public ping(hookId: number): Promise<Delivery> {
    return this.courier.send(this.pingOf(this.hook(hookId)));
  }

  /** Sends a logged delivery again: same X-GitHub-Delivery, present address and secret. */
  public redeliver(deliveryId: number): Promise<Delivery> {
    const delivery = this.deliveries.find(candidate => candidate.id === deliveryId);
    if (!delivery) {
      throw new Error(`no delivery ${deliveryId}; there are: `
        + `${this.deliveries.map(each => each.id).join(', ') || 'none'}`);
    }
    return this.courier.send(this.courier.redelivery(this.hook(delivery.hookId), delivery));
  }

  /** Sends any payload, signed: to one hook whatever it subscribes to, or to all active ones that want the event. */
  public deliver(event: string, payload: object, { hookId, ...message }: DeliverOptions = {}): Promise<Delivery[]> {
    const hooks = hookId === undefined
      ? this.hooks.filter(hook => hook.active && hook.wants(event))
      : [this.hook(hookId)];
    return Promise.all(hooks.map(hook => this.courier.send({ hook, event, payload, ...message })));
  }

  /** Sends any bytes, signed with the hook's secret; `headers` override what GitHub sends, undefined leaves one out. */
  public sendRaw(
    hookId: number,
    body: Buffer | string,
    { event = 'package', ...message }: SendRawOptions = {},
  ): Promise<Delivery> {
    return this.courier.send({ hook: this.hook(hookId), event, payload: Buffer.from(body), ...message });
  }

  /** Lets deliveries pile up until `release`, for reordering on demand. */
  public hold(): void {
    this.courier.hold();
  }

  /** Sends what piled up, one after the other. */
  public release(order: ReleaseOrder = 'arrival'): Promise<void> {
    return this.courier.release(order);
  }

  /** Resolves when no delivery is under way or about to be. Held ones don't count. */
  public idle(): Promise<void> {
    return this.courier.idle();
  }

  // ---------------------------------------------------------------------------------------------- inside

  private get now(): NonNullable<GitHub['running']> {
    if (!this.running) { throw new Error('GitHub is not listening: start it with startGitHub()'); }
    return this.running;
  }

  private routes(site: Site): readonly Route[] {
    const { organization } = this;
    const pageSizeCap = this.options.pageSizeCap ?? 100;
    return [
      ...packageRoutes({ store: this.store, organization, site, pageSizeCap }),
      ...hookRoutes({
        hooks: this.hookStore,
        deliveries: this.courier,
        organization,
        site,
        pageSizeCap,
        deliveryStatusFilter: this.options.deliveryStatusFilter ?? true,
        ping: hook => this.courier.sendInBackground(this.pingOf(hook)),
        redeliver: (hook, delivery) => this.courier.sendInBackground(this.courier.redelivery(hook, delivery)),
      }),
    ];
  }

  private hook(id: number): Hook {
    const hook = this.hooks.find(candidate => candidate.id === id);
    if (!hook) { throw new Error(`no hook ${id}; there are: ${this.hooks.map(each => each.id).join(', ') || 'none'}`); }
    return hook;
  }

  private pingOf(hook: Hook): Message {
    const { site } = this.now;
    const { organization } = this;
    const payload = {
      zen: 'Keep it logically awesome.',
      hook_id: hook.id,
      hook: restHook({ site, organization }, hook),
      organization: organizationOfPayload(site, organization),
      sender: simpleUser(site, SENDER.login, SENDER.id, 'User'),
    };
    return { hook, event: 'ping', payload };
  }
}

export interface AddPackageSettings {
  /** @default 'container' */
  readonly type?: PackageType;
  readonly visibility?: Visibility;
  /** @default as `linkRepositories` says; null for none */
  readonly repository?: string | null;
  /** Oldest first; `name` is the digest of a container. */
  readonly versions?: readonly { readonly name: string; readonly tags?: readonly [string, ...string[]] }[];
}

export interface DeliverOptions {
  readonly hookId?: number;
  readonly guid?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

export interface SendRawOptions extends Omit<DeliverOptions, 'hookId'> {
  /** @default 'package' */
  readonly event?: string;
}

/** Starts a GitHub with one organization on a loopback port. */
export function startGitHub(options: GitHubOptions): Promise<GitHub> {
  return new GitHub(options).listen();
}
