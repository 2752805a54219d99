import { FieldError, notFound, validationFailed } from './errors';

/** A hook's configuration as a client writes it; GitHub's defaults fill what is missing. */
export interface HookConfig {
  readonly url: string;
  readonly contentType: string;
  readonly insecureSsl: string;
  readonly secret?: string;
}

/** One organization hook. The secret is hidden from everything that prints or serializes the object. */
export class Hook {
  public events: readonly string[];
  public active: boolean;
  public updatedAt: number;
  #config: HookConfig;

  constructor(public readonly id: number, settings: HookSettings, public readonly createdAt: number) {
    this.events = settings.events;
    this.active = settings.active;
    this.updatedAt = createdAt;
    this.#config = settings.config;
  }

  public get url(): string { return this.#config.url; }
  public get contentType(): string { return this.#config.contentType; }
  public get insecureSsl(): string { return this.#config.insecureSsl; }
  public get hasSecret(): boolean { return this.#config.secret !== undefined; }

  /** For assertions: whether deliveries are signed with this value. */
  public secretIs(value: string): boolean {
    return this.#config.secret === value;
  }

  /** Lends the secret to the signer. */
  public withSecret<T>(use: (secret: string | undefined) => T): T {
    return use(this.#config.secret);
  }

  public change(settings: HookSettings, now: number): void {
    this.events = settings.events;
    this.active = settings.active;
    this.#config = settings.config;
    this.updatedAt = now;
  }

  public settings(): HookSettings {
    return { events: this.events, active: this.active, config: this.#config };
  }

  public wants(event: string): boolean {
    return this.events.includes(event) || this.events.includes('*');
  }
}

export interface HookSettings {
  readonly events: readonly string[];
  readonly active: boolean;
  readonly config: HookConfig;
}

/**
 * Events of an organization hook, as far as this project could meet them. `package_v2` is retired:
 * nobody can subscribe any more.
 */
const EVENTS = new Set([
  '*', 'package', 'registry_package', 'push', 'pull_request', 'issues', 'release', 'repository', 'organization',
  'member', 'meta', 'workflow_run', 'workflow_job', 'create', 'delete', 'deployment', 'fork', 'star', 'team', 'ping',
]);

const HOOKS_PER_EVENT = 20;

/** The organization's hooks, and the rules that GitHub holds them to. */
export class Hooks {
  private readonly all: Hook[] = [];
  private lastId = 480_000_000;

  constructor(private readonly now: () => number, private readonly refuseLoopback: boolean) {}

  public list(): readonly Hook[] {
    return this.all;
  }

  public get(id: number): Hook {
    const hook = this.all.find(candidate => candidate.id === id);
    if (!hook) { throw notFound(); }
    return hook;
  }

  public create(settings: HookSettings): Hook {
    this.validate(settings);
    const hook = new Hook(++this.lastId, settings, this.now());
    this.all.push(hook);
    return hook;
  }

  public change(hook: Hook, settings: HookSettings): void {
    this.validate(settings, hook);
    hook.change(settings, this.now());
  }

  public delete(hook: Hook): void {
    this.all.splice(this.all.indexOf(hook), 1);
  }

  private validate(settings: HookSettings, self?: Hook): void {
    const others = this.all.filter(hook => hook !== self);
    const overlaps = (hook: Hook): boolean => hook.events.some(event => settings.events.includes(event));
    const errors = [
      ...urlErrors(settings.config.url, this.refuseLoopback),
      ...settings.events.filter(event => !EVENTS.has(event))
        .map(() => ({ resource: 'Hook', field: 'events', code: 'invalid' })),
      ...others.some(hook => hook.url === settings.config.url && overlaps(hook))
        ? [custom('Hook already exists on this organization')]
        : [],
      ...settings.events
        .filter(event => others.filter(hook => hook.events.includes(event)).length >= HOOKS_PER_EVENT)
        .map(event => custom(`The "${event}" event cannot have more than ${HOOKS_PER_EVENT} hooks`)),
    ];
    if (errors.length > 0) { throw validationFailed(...errors); }
  }
}

function custom(message: string, field?: string): FieldError {
  return { resource: 'Hook', code: 'custom', ...field !== undefined && { field }, message };
}

function urlErrors(url: string, refuseLoopback: boolean): readonly FieldError[] {
  if (url === '') { return [custom('url cannot be blank', 'url')]; }
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(url)) { return [custom('url is missing a scheme', 'url')]; }
  if (!URL.canParse(url)) { return [custom('url is not a valid URL', 'url')]; }
  const { protocol, hostname } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') { return [custom('url scheme must be http or https', 'url')]; }
  return refuseLoopback && /^(localhost|127\..*|\[::1\])$/.test(hostname)
    ? [custom(`url is not supported because it isn't reachable over the public Internet (${hostname})`, 'url')]
    : [];
}
