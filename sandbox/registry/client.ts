import { digestAlgorithm, digestOf } from './digest';
import { Blob, Manifest, withDescendants } from './images';

export interface ClientOptions {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** For Bearer tokens and for Basic, whichever the registry asks for. @default - anonymous */
  readonly user?: string;
  readonly password?: string;
}

export interface ReceivedManifest {
  /** Of the bytes that came, whatever the registry says. */
  readonly digest: string;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** The registry's answer isn't what the protocol has for a success. */
export class RegistryError extends Error {
  constructor(what: string, public readonly status: number, public readonly body: string) {
    super(`${what}: got ${status} ${body.slice(0, 500)}`);
    this.name = 'RegistryError';
  }
}

const MANIFEST_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  '*/*',
].join(', ');

/** A plain client of the OCI API: puts test content into a registry, and judges by hashing what comes out. */
export class RegistryClient {
  private readonly authorizations = new Map<string, string>();

  constructor(private readonly options: ClientOptions) {}

  /** undefined when the registry doesn't know it. */
  public async getManifest(repository: string, reference: string): Promise<ReceivedManifest | undefined> {
    const response = await this.send('GET', `/v2/${repository}/manifests/${reference}`, { accept: MANIFEST_TYPES });
    if (await isAbsent(response)) { return undefined; }
    const bytes = await this.body(response, `GET manifest ${repository} ${reference}`, 200);
    return {
      digest: digestOf(bytes, digestAlgorithm(reference)),
      mediaType: response.headers.get('content-type') ?? '',
      bytes,
    };
  }

  /** Digest of the bytes that a tag or digest gives; undefined when the registry doesn't know it. */
  public async manifestDigest(repository: string, reference: string): Promise<string | undefined> {
    return (await this.getManifest(repository, reference))?.digest;
  }

  /** All tags, over all pages; none for a repository that doesn't exist. */
  public async listTags(repository: string, pageSize?: number): Promise<string[]> {
    const tags: string[] = [];
    let path: string | undefined = `/v2/${repository}/tags/list${pageSize === undefined ? '' : `?n=${pageSize}`}`;
    while (path !== undefined) {
      const response = await this.send('GET', path);
      if (await isAbsent(response)) { return tags; }
      const page: unknown = JSON.parse((await this.body(response, `GET tags of ${repository}`, 200)).toString('utf8'));
      tags.push(...tagsOf(page));
      const next: string | undefined = /<([^>]+)>;\s*rel="?next/.exec(response.headers.get('link') ?? '')?.[1];
      path = next === undefined ? undefined : this.resolve(next);
    }
    return tags;
  }

  public async getBlob(repository: string, digest: string): Promise<Buffer | undefined> {
    const response = await this.send('GET', `/v2/${repository}/blobs/${digest}`);
    return await isAbsent(response) ? undefined : this.body(response, `GET blob ${repository} ${digest}`, 200);
  }

  /** Uploads unless it is there. */
  public async pushBlob(repository: string, content: Pick<Blob, 'digest' | 'bytes'>): Promise<void> {
    const head = await this.send('HEAD', `/v2/${repository}/blobs/${content.digest}`, {}, undefined, 'pull,push');
    await head.arrayBuffer();
    if (head.status === 200) { return; }
    const start = await this.send('POST', `/v2/${repository}/blobs/uploads/`, {}, Buffer.alloc(0));
    await this.body(start, `start of an upload to ${repository}`, 202);
    const location = this.resolve(start.headers.get('location') ?? '');
    const put = await this.send('PUT', `${location}${location.includes('?') ? '&' : '?'}digest=${content.digest}`,
      { 'content-type': 'application/octet-stream' }, content.bytes);
    await this.body(put, `upload of ${content.digest} to ${repository}`, 201);
  }

  public async putManifest(
    repository: string,
    reference: string,
    content: Pick<Manifest, 'mediaType' | 'bytes'>,
  ): Promise<void> {
    const put = await this.send(
      'PUT',
      `/v2/${repository}/manifests/${reference}`,
      { 'content-type': content.mediaType },
      content.bytes,
    );
    await this.body(put, `PUT manifest ${repository} ${reference}`, 201);
  }

  /**
   * Pushes as buildx does: blobs, children untagged by digest, then the top under its tags,
   * or untagged when there are none.
   */
  public async push(repository: string, top: Manifest, ...tags: readonly string[]): Promise<void> {
    for (const part of withDescendants(top)) {
      for (const content of part.blobs.filter(({ urls }) => !urls)) { await this.pushBlob(repository, content); }
      const references = part === top && tags.length > 0 ? tags : [part.digest];
      for (const reference of references) { await this.putManifest(repository, reference, part); }
    }
  }

  /** One exchange, with authentication as the registry demands it. @param path or absolute URL */
  public async send(
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: Buffer,
    actions = isWrite(method),
  ): Promise<Response> {
    const repository = /\/v2\/(.+)\/(?:manifests|blobs|tags|referrers)\//.exec(path)?.[1] ?? '';
    const key = `${repository} ${actions}`;
    const first = await this.exchange(method, path, headers, body, this.authorizations.get(key));
    const challenge = first.headers.get('www-authenticate');
    if (first.status !== 401 || challenge === null) { return first; }
    await first.arrayBuffer();
    const authorization = await this.answerChallenge(challenge, repository, actions);
    this.authorizations.set(key, authorization);
    return this.exchange(method, path, headers, body, authorization);
  }

  private exchange(
    method: string,
    path: string,
    headers: Record<string, string>,
    body: Buffer | undefined,
    authorization: string | undefined,
  ): Promise<Response> {
    const credentials: Record<string, string> = authorization === undefined ? {} : { authorization };
    return fetch(new URL(path, this.options.url), { method, headers: { ...headers, ...credentials }, body });
  }

  private async answerChallenge(challenge: string, repository: string, actions: string): Promise<string> {
    const basic = this.options.user === undefined ? undefined
      : `Basic ${Buffer.from(`${this.options.user}:${this.options.password ?? ''}`).toString('base64')}`;
    if (/^basic/i.test(challenge)) {
      if (basic === undefined) {
        throw new RegistryError(`${this.options.url} wants a user and a password, the client has none`, 401, challenge);
      }
      return basic;
    }
    const realm = /realm="([^"]+)"/.exec(challenge)?.[1];
    if (realm === undefined) {
      throw new RegistryError(`${this.options.url} sent a challenge without a realm`, 401, challenge);
    }
    const url = new URL(realm);
    url.searchParams.set('service', /service="([^"]+)"/.exec(challenge)?.[1] ?? '');
    if (repository !== '') { url.searchParams.set('scope', `repository:${repository}:${actions}`); }
    const response = await fetch(url, { headers: basic === undefined ? {} : { authorization: basic } });
    const text = (await this.body(response, `token for ${repository} from ${url.origin}`, 200)).toString('utf8');
    return `Bearer ${tokenOf(JSON.parse(text))}`;
  }

  private async body(response: Response, what: string, expected: number): Promise<Buffer> {
    const bytes = Buffer.from(await response.arrayBuffer());
    if (response.status !== expected) { throw new RegistryError(what, response.status, bytes.toString('utf8')); }
    return bytes;
  }

  /** Path and query of a Location or Link, which may be absolute. */
  private resolve(location: string): string {
    const url = new URL(location, this.options.url);
    return `${url.pathname}${url.search}`;
  }
}

function isWrite(method: string): string {
  return method === 'GET' || method === 'HEAD' ? 'pull' : 'pull,push';
}

/** 404 with one of the codes that mean "not there"; any other failure stays one. */
async function isAbsent(response: Response): Promise<boolean> {
  if (response.status !== 404) { return false; }
  const body = await response.clone().text();
  return /MANIFEST_UNKNOWN|NAME_UNKNOWN|BLOB_UNKNOWN/.test(body);
}

function tagsOf(page: unknown): string[] {
  // Distribution answers `"tags": null` when the last tag of a repository is gone.
  const tags: unknown = typeof page === 'object' && page !== null && 'tags' in page ? page.tags : undefined;
  return Array.isArray(tags) ? tags.filter(tag => typeof tag === 'string') : [];
}

function tokenOf(answer: unknown): string {
  if (typeof answer === 'object' && answer !== null && 'token' in answer && typeof answer.token === 'string') {
    return answer.token;
  }
  throw new Error(`the token endpoint answered ${JSON.stringify(answer)}; expected an object with a token`);
}
