import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Faults } from '../faults';
import { HttpServer, serve } from '../http-server';
import { ociError, RegistryAnswer, sendAnswer } from './answer';
import { deleteBlob, getBlob } from './blobs';
import { isClientGone } from './client-gone';
import { digestOf } from './digest';
import type { Manifest } from './images';
import { listReferrers, listRepositories, listTags } from './listings';
import { Manifests } from './manifests';
import { isRepositoryName, isTag, parseRoute, parseTarget, Route } from './route';
import { Store } from './store';
import { Uploads } from './uploads';

export interface RegistryOptions {
  readonly faults?: Faults;
  /** @default 0 (the system chooses) */
  readonly port?: number;
  /** Where to keep content; it outlives the registry. @default - a temporary directory, removed by `close()` */
  readonly directory?: string;
  /** Whether `/v2/<name>/referrers/<digest>` exists. ghcr.io answers 404. @default true */
  readonly referrers?: boolean;
}

export interface Registry extends HttpServer {
  readonly directory: string;
  /**
   * Stores a manifest without any check, as a hostile registry would serve it.
   * @param digest under which it is served; one that isn't the bytes' own is a lie. @default - the bytes' digest
   */
  plantManifest(
    repository: string, reference: string, content: Pick<Manifest, 'mediaType' | 'bytes'>, digest?: string,
  ): void;
  /** Stores bytes under a digest that needn't be theirs. */
  plantBlob(repository: string, digest: string, bytes: Buffer): void;
}

/**
 * An OCI registry without authentication.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md
 */
export async function startRegistry(options: RegistryOptions = {}): Promise<Registry> {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'oci-registry-'));
  const store = new Store(directory);
  const api = new Api(store, options.referrers ?? true);
  const server = await serve(
    (request, response) => api.handle(request, response),
    { faults: options.faults, port: options.port },
  );
  return {
    ...server,
    directory,
    plantManifest: (repository, reference, { mediaType, bytes }, digest = digestOf(bytes)) => {
      store.putManifest(repository, digest, { mediaType, bytes });
      if (isTag(reference)) { store.putTag(repository, reference, digest); }
    },
    plantBlob: (repository, digest, bytes) => {
      const path = store.incomingPath();
      writeFileSync(path, bytes);
      store.adoptBlob(repository, digest, path);
    },
    close: async () => {
      await server.close();
      if (options.directory === undefined) { rmSync(directory, { recursive: true, force: true }); }
    },
  };
}

class Api {
  private readonly manifests: Manifests;
  private readonly uploads: Uploads;

  constructor(private readonly store: Store, private readonly referrers: boolean) {
    this.manifests = new Manifests(store, referrers);
    this.uploads = new Uploads(store);
  }

  public async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('docker-distribution-api-version', 'registry/2.0');
    const target = parseTarget(request.url ?? '/');
    if (!target) {
      return sendAnswer(response, ociError(400, 'NAME_INVALID', 'the path has a broken percent-encoding'));
    }
    const route = parseRoute(target.path);
    if (route.repository !== '' && !isRepositoryName(route.repository)) {
      return sendAnswer(response, ociError(400, 'NAME_INVALID', `invalid repository name "${route.repository}"`));
    }
    if (route.kind === 'blob' && isRead(request)) {
      return getBlob(this.store, route.repository, route.reference, request, response);
    }
    let answer: RegistryAnswer;
    try {
      answer = await this.answer(route, target.path, target.query, request);
    } catch (error) {
      if (isClientGone(request, error)) { return undefined; }
      throw error;
    }
    return sendAnswer(response, answer);
  }

  private answer(
    route: Route,
    path: string,
    query: URLSearchParams,
    request: IncomingMessage,
  ): Promise<RegistryAnswer> | RegistryAnswer {
    const { repository, reference } = route;
    switch (route.kind) {
      case 'manifest':
        if (isRead(request)) { return this.manifests.get(repository, reference); }
        if (request.method === 'PUT') { return this.manifests.put(repository, reference, request); }
        return request.method === 'DELETE' ? this.manifests.delete(repository, reference) : unsupported(request);
      case 'blob':
        return request.method === 'DELETE' ? deleteBlob(this.store, repository, reference) : unsupported(request);
      case 'upload':
        return this.upload(repository, reference, query, request);
      case 'ping':
        return isRead(request)
          ? { status: 200, headers: { 'content-type': 'application/json; charset=utf-8' }, body: '{}' }
          : unsupported(request);
      case 'tags':
        return isRead(request) ? listTags(this.store, repository, query) : unsupported(request);
      case 'referrers':
        if (!this.referrers) { return notFound(); }
        return isRead(request) ? listReferrers(this.store, repository, reference, query) : unsupported(request);
      case 'other':
        return path === '/v2/_catalog' && isRead(request) ? listRepositories(this.store, query) : notFound();
    }
  }

  private upload(
    repository: string,
    id: string,
    query: URLSearchParams,
    request: IncomingMessage,
  ): Promise<RegistryAnswer> | RegistryAnswer {
    if (request.method === 'POST' && id === '') { return this.uploads.start(repository, query, request); }
    if (id === '') { return unsupported(request); }
    switch (request.method) {
      case 'PATCH': return this.uploads.append(repository, id, request);
      case 'PUT': return this.uploads.finish(repository, id, query.get('digest') ?? '', request);
      case 'GET': return this.uploads.status(repository, id);
      case 'DELETE': return this.uploads.cancel(repository, id);
      default: return unsupported(request);
    }
  }
}

function isRead(request: IncomingMessage): boolean {
  return request.method === 'GET' || request.method === 'HEAD';
}

function notFound(): RegistryAnswer {
  return { status: 404, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: '404 page not found\n' };
}

function unsupported(request: IncomingMessage): RegistryAnswer {
  return ociError(405, 'UNSUPPORTED', `${request.method} isn't supported here`);
}
