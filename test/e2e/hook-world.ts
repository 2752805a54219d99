import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duration } from 'aws-cdk-lib';
import { LocalCloud } from '../../sandbox/aws/cloud';
import { isRecord, Json, record } from '../../sandbox/aws/core/json';
import type { Stack } from '../../sandbox/aws/core/stack';
import { GitHub, startGitHub } from '../../sandbox/github';
import { HttpServer, readBody, serve } from '../../sandbox/http-server';
import { HOOKS_SECRET, MirrorSettings, PACKAGES_SECRET, STACK, synthesize } from '../../sandbox/world/synth';
import type { HookProperties } from '../../src/contract/hook';

/** One resource of a synthesized template, for a test to change. */
export interface TemplateResource { readonly Type: string; Properties: Record<string, unknown>; DependsOn?: string[] }

export type Change = (resources: Record<string, TemplateResource>) => void;

export const WEBHOOK = 'Custom::GhcrMirrorWebhook';

/** GitHub with two organizations and an AWS account: everything that webhooks need, and no registry. */
export class HookWorld {
  public static async start(): Promise<HookWorld> {
    const world = new HookWorld();
    const open = (organization: string, hooks: string): Promise<GitHub> => startGitHub({
      organization,
      tokens: [
        { value: world.tokens.packages, kind: 'classic', scopes: ['read:packages'] },
        { value: hooks, kind: 'fine-grained', permissions: { organization_hooks: 'write' }, owner: true },
      ],
      resolveUrl: url => world.cloud.resolveUrl(url),
    });
    const github = await open('My-Org', world.tokens.hooks);
    const other = await open('Other-Org', world.tokens.hooks);
    const api = await serve((request, response) => forward(/^\/orgs\/other-org\//i.test(request.url ?? '') ? other : github, request, response));
    const cloud = await LocalCloud.start();
    cloud.services.secretsManager.createSecret(PACKAGES_SECRET, world.tokens.packages);
    cloud.services.secretsManager.createSecret(HOOKS_SECRET, world.tokens.hooks);
    world.parts = { github, other, api, cloud };
    cloud.onEvent(({ source, kind, resource, text }) => {
      if (source === 'lambda' && kind === 'log' && resource.includes('RegistrationFunction')) {
        world.lines.push(text);
      }
    });
    return world;
  }

  public readonly tokens = {
    packages: `ghp_${randomBytes(20).toString('hex')}`,
    hooks: `github_pat_${randomBytes(20).toString('hex')}`,
  };
  /** Everything that the registration function has logged. */
  public readonly lines: string[] = [];
  private parts: {
    readonly github: GitHub;
    readonly other: GitHub;
    readonly api: HttpServer;
    readonly cloud: LocalCloud;
  } | undefined;
  private readonly directory = mkdtempSync(join(tmpdir(), 'ghcr2ecr-hooks-'));
  private deployed: Stack | undefined;

  /** GitHub with the organization My-Org. */
  public get github(): GitHub { return this.now.github; }
  /** GitHub with the organization Other-Org, behind the same API. */
  public get other(): GitHub { return this.now.other; }
  public get api(): HttpServer { return this.now.api; }
  public get cloud(): LocalCloud { return this.now.cloud; }

  public get stack(): Stack {
    if (!this.deployed) { throw new Error('nothing is deployed'); }
    return this.deployed;
  }

  /** Value that the mirror expects deliveries to be signed with. */
  public async secret(): Promise<string> {
    const { SecretString } = await this.cloud.call('secretsmanager', 'GetSecretValue', {
      SecretId: this.stack.outputs.WebhookSecretArn,
    });
    return String(SecretString);
  }

  public assembly(settings: Partial<MirrorSettings> = {}, change: Change = () => undefined): string {
    const target = mkdtempSync(join(this.directory, 'assembly-'));
    cpSync(synthesized(settings), target, { recursive: true });
    const file = join(target, `${STACK}.template.json`);
    const template: unknown = JSON.parse(readFileSync(file, 'utf8').replaceAll(ANY_API, this.api.url));
    if (!isRecord(template)) { throw new Error(`${file} is no template`); }
    change(template.Resources as Record<string, TemplateResource>);
    writeFileSync(file, JSON.stringify(template));
    return target;
  }

  public async deploy(settings?: Partial<MirrorSettings>, change?: Change): Promise<Stack> {
    this.deployed = await this.cloud.deploy({ assembly: this.assembly(settings, change), stackName: STACK });
    return this.deployed;
  }

  public async update(settings?: Partial<MirrorSettings>, change?: Change): Promise<void> {
    await this.stack.update(this.assembly(settings, change));
  }

  /** Deletes what is deployed, if anything is, and leaves no fault, hook or log behind. */
  public async reset(): Promise<void> {
    this.cloud.faults.clear();
    this.api.faults.clear();
    await this.cloud.idle();
    await this.deployed?.delete();
    this.deployed = undefined;
    this.lines.length = 0;
    this.api.requests.length = 0;
    for (const hook of [...this.github.hooks]) { await this.ask('DELETE', `hooks/${hook.id}`); }
  }

  /** Runs the daily check. */
  public async repair(): Promise<void> {
    await this.fire('Repair');
  }

  /** Runs the look for failed deliveries, and waits until GitHub has sent what it was asked for. */
  public async redeliver(): Promise<void> {
    await this.fire('Redelivery');
    await this.github.idle();
  }

  private async fire(part: string): Promise<void> {
    const schedules = this.cloud.services.scheduler.names.filter(name => name.includes(part));
    for (const name of schedules) { await this.cloud.services.scheduler.fire(name); }
    await this.cloud.idle();
  }

  /** A request to GitHub's API by the owner of the webhook token. @param path below `/orgs/my-org/` */
  public async ask(method: string, path: string, body?: object): Promise<Json> {
    const headers = { authorization: `Bearer ${this.tokens.hooks}` };
    const response = await fetch(
      `${this.api.url}/orgs/my-org/${path}`,
      { method, headers, body: body && JSON.stringify(body) },
    );
    const text = await response.text();
    if (!response.ok) { throw new Error(`${method} ${path}: ${response.status} ${text}`); }
    return text === '' ? {} : record(JSON.parse(text), path);
  }

  /** How often the packages were listed: once for each full sync that was asked for. */
  public async fullSyncs(): Promise<number> {
    await this.cloud.idle();
    return this.api.requests.filter(({ path }) => path.includes('/packages?')).length;
  }

  public async close(): Promise<void> {
    await this.parts?.cloud.close();
    await this.parts?.api.close();
    await this.parts?.github.close();
    await this.parts?.other.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Lines of the registration function's log that hold this text. */
  public logged(text: string): string[] {
    return this.lines.filter(line => line.includes(text));
  }

  private get now(): NonNullable<HookWorld['parts']> {
    if (!this.parts) { throw new Error('the world has not started'); }
    return this.parts;
  }
}

/** Worlds for scenarios that run side by side; a world is used again when its scenario has ended. */
export class HookWorlds {
  private readonly free: HookWorld[] = [];
  private readonly all: HookWorld[] = [];

  public async use(body: (world: HookWorld) => Promise<void>): Promise<void> {
    const world = this.free.pop() ?? await this.add();
    try {
      await body(world);
    } finally {
      await world.reset();
    }
    this.free.push(world);
  }

  public async close(): Promise<void> {
    for (const world of this.all) { await world.close(); }
  }

  private async add(): Promise<HookWorld> {
    const world = await HookWorld.start();
    this.all.push(world);
    return world;
  }
}

/** Stands for the API of every world: to synthesize takes longer than to replace a text. */
const ANY_API = 'http://127.0.0.1:65535';
const assemblies = new Map<string, string>();
const scratch = mkdtempSync(join(tmpdir(), 'ghcr2ecr-synth-'));
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));

function synthesized(settings: Partial<MirrorSettings>): string {
  const key = JSON.stringify(settings);
  const known = assemblies.get(key) ?? synthesize(join(scratch, String(assemblies.size)), {
    organization: 'My-Org',
    githubApiUrl: ANY_API,
    registryHost: 'ghcr.io',
    coalescingWindow: Duration.seconds(0),
    ...settings,
  });
  assemblies.set(key, known);
  return known;
}

/** The resource of a type, with its logical id. */
export function only(resources: Record<string, TemplateResource>, type: string, id = /./): [string, TemplateResource] {
  const [found, ...more] = Object.entries(resources).filter(([name, { Type }]) => Type === type && id.test(name));
  if (found === undefined || more.length > 0) {
    throw new Error(`expected one ${type} like ${id}, got ${more.length + (found ? 1 : 0)}`);
  }
  return found;
}

/**
 * Changes what the registration keeps: in the custom resource and in its function's environment, as the construct does.
 */
export function registers(
  changes: Partial<Pick<HookProperties, 'organization' | 'endpointUrl' | 'githubApiUrl'>>,
): Change {
  const variables =
    { organization: 'ORGANIZATION', endpointUrl: 'ENDPOINT_URL', githubApiUrl: 'GITHUB_API_URL' } as const;
  return resources => {
    const { Properties: properties } = only(resources, 'AWS::Lambda::Function', /RegistrationFunction/)[1];
    const names = Object.entries(changes).map(([name, value]) => [variables[name as keyof typeof variables], value]);
    properties.Environment = {
      Variables: {
        ...record(record(properties.Environment, 'Environment').Variables, 'Variables'),
        ...Object.fromEntries(names),
      },
    };
    Object.assign(only(resources, WEBHOOK)[1].Properties, changes);
  };
}

async function forward(github: GitHub, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readBody(request);
  const headers = Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
    typeof value === 'string' && !['host', 'connection', 'content-length', 'transfer-encoding'].includes(name)
      ? [[name, value]]
      : []);
  const answer = await fetch(
    `${github.url}${request.url}`,
    { method: request.method, headers, ...body.length > 0 && { body } },
  );
  const bytes = Buffer.from(await answer.arrayBuffer());
  const kept = [...answer.headers]
    .filter(([name]) => !['connection', 'keep-alive', 'content-length', 'transfer-encoding', 'date'].includes(name));
  response.writeHead(answer.status, Object.fromEntries(kept)).end(bytes);
}
