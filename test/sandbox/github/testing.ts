import { createHash, createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { GitHubOptions, ManifestPut, TokenOptions } from '../../../sandbox/github/index';
import { GitHub, startGitHub } from '../../../sandbox/github/index';
import { HttpServer, readBody, serve } from '../../../sandbox/http-server';

/** Tokens of the tests: their values say what they are. */
export const TOKENS: readonly TokenOptions[] = [
  { value: 'ghp_packages', kind: 'classic', scopes: ['read:packages'] },
  { value: 'ghp_writer', kind: 'classic', scopes: ['repo', 'write:packages'] },
  { value: 'ghp_noscope', kind: 'classic', scopes: ['repo'] },
  { value: 'ghp_stranger', kind: 'classic', scopes: ['read:packages'], member: false },
  { value: 'ghp_sso', kind: 'classic', scopes: ['read:packages', 'admin:org_hook'], owner: true, sso: 'required' },
  { value: 'ghp_hooks', kind: 'classic', scopes: ['admin:org_hook'], owner: true },
  { value: 'ghp_member', kind: 'classic', scopes: ['admin:org_hook'] },
  { value: 'github_pat_hooks', kind: 'fine-grained', permissions: { organization_hooks: 'write' }, owner: true },
  { value: 'github_pat_read', kind: 'fine-grained', permissions: { organization_hooks: 'read' }, owner: true },
  { value: 'ghs_app', kind: 'app', permissions: { organization_hooks: 'write' } },
  { value: 'ghs_noperm', kind: 'app' },
];

/** Starts a GitHub that answers and delivers at once. */
export function start(options: Partial<GitHubOptions> = {}): Promise<GitHub> {
  return startGitHub({ organization: 'My-Org', tokens: TOKENS, tagWindowMs: 0, ...options });
}

/** One request; undefined as token sends no Authorization. */
export async function call(
  github: GitHub,
  token: string | undefined,
  path: string,
  { body, ...init }: CallOptions = {},
): Promise<Answer> {
  const response = await fetch(`${github.url}${path}`, {
    ...init,
    headers: { ...token !== undefined && { authorization: `Bearer ${token}` }, ...init.headers },
    ...body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) },
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text) as Body,
  };
}

interface CallOptions { readonly method?: string; readonly headers?: Record<string, string>; readonly body?: unknown }

/** The fields of an answer that the tests read. */
interface Body {
  readonly [key: string]: unknown;
  readonly id?: number;
  readonly message?: string;
}

export interface Answer { readonly status: number; readonly headers: Headers; readonly body: Body | undefined }

export const HOOKS = '/orgs/my-org/hooks';

/** The whole configuration of a hook, as a careful client sends it. */
export function hookBody(url: string, settings: { events?: string[]; config?: object; active?: boolean } = {}): object {
  return {
    name: 'web',
    active: true,
    events: ['package'],
    ...settings,
    config: { url, content_type: 'json', secret: 's3cret', insecure_ssl: '0', ...settings.config },
  };
}

/** Creates a hook through REST; the id. */
export async function createHook(
  github: GitHub,
  url: string,
  settings: Parameters<typeof hookBody>[1] = {},
): Promise<number> {
  const { status, body } = await call(github, 'ghp_hooks', HOOKS, { method: 'POST', body: hookBody(url, settings) });
  if (status !== 201 || body?.id === undefined) {
    throw new Error(`creating a hook got ${status}: ${JSON.stringify(body)}`);
  }
  return body.id;
}

export interface Received { readonly headers: IncomingHttpHeaders; readonly body: Buffer; readonly event: string }

/** A webhook endpoint that records what comes. */
export interface Receiver extends HttpServer {
  readonly received: Received[];
  status: number;
  answerHeaders: Record<string, string>;
  delayMs: number;
}

export async function startReceiver(): Promise<Receiver> {
  const settings = { received: [] as Received[], status: 202, answerHeaders: {}, delayMs: 0 };
  const server = await serve(async (request, response) => {
    const body = await readBody(request);
    receiver.received.push({ headers: request.headers, body, event: String(request.headers['x-github-event']) });
    if (receiver.delayMs > 0) { await new Promise(resolve => setTimeout(resolve, receiver.delayMs).unref()); }
    response.writeHead(receiver.status, { 'content-type': 'text/plain', ...receiver.answerHeaders }).end('seen');
  });
  const receiver: Receiver = Object.assign(server, settings);
  return receiver;
}

/** Events without the ping of the hook's creation. */
export function events(receiver: Receiver): Received[] {
  return receiver.received.filter(({ event }) => event !== 'ping');
}

export function sign(secret: string, body: Buffer): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

/** A manifest that could have been pushed; the same name gives the same digest. */
export function image(repository: string, reference: string | undefined, name = 'one'): ManifestPut {
  const bytes = Buffer.from(JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf(`config ${name}`), size: 10 },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: digestOf(`layer ${name}`), size: 20 }],
  }));
  return put(repository, reference, bytes, 'application/vnd.oci.image.manifest.v1+json');
}

export function index(
  repository: string,
  reference: string | undefined,
  children: readonly ManifestPut[],
): ManifestPut {
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  const manifests = children.map(child => ({
    mediaType: child.mediaType,
    digest: child.digest,
    size: child.bytes.length,
    platform: { architecture: 'amd64', os: 'linux' },
  }));
  return put(repository, reference, Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests })), mediaType);
}

function put(repository: string, reference: string | undefined, bytes: Buffer, mediaType: string): ManifestPut {
  const digest = digestOf(bytes);
  return { repository, reference: reference ?? digest, digest, mediaType, bytes };
}

export function digestOf(content: string | Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}
