import { createHash, Hash, randomUUID } from 'node:crypto';
import { closeSync, createReadStream, openSync, rmSync, writeSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { ociError, RegistryAnswer } from './answer';
import { DigestAlgorithm, digestAlgorithm, digestSoFar } from './digest';
import { isRepositoryName } from './route';
import type { Store } from './store';

interface Session {
  readonly id: string;
  readonly repository: string;
  readonly path: string;
  /** SHA-256 of what has arrived. */
  readonly hash: Hash;
  size: number;
  /**
   * Requests to one session take turns: a client that lost its connection may be back before its old request has ended.
   */
  turn: Promise<unknown>;
}

/** Upload sessions: content is hashed while it is written to its file, so memory doesn't grow with it. */
export class Uploads {
  private readonly sessions = new Map<string, Session>();

  constructor(private readonly store: Store) {}

  /** Mount, upload in one request, or the start of a session. */
  public async start(repository: string, query: URLSearchParams, request: IncomingMessage): Promise<RegistryAnswer> {
    const mounted = this.mount(repository, query);
    if (mounted) { return mounted; }
    const session = this.open(repository);
    const digest = query.get('digest');
    return digest === null ? accepted(session, 202) : this.finish(repository, session.id, digest, request);
  }

  public status(repository: string, id: string): RegistryAnswer {
    const session = this.find(repository, id);
    return session ? accepted(session, 204) : unknown(id);
  }

  public async append(repository: string, id: string, request: IncomingMessage): Promise<RegistryAnswer> {
    const session = this.find(repository, id);
    if (!session) { return unknown(id); }
    return inTurn(session, async () => await this.receive(session, request) ?? accepted(session, 202));
  }

  public async finish(
    repository: string,
    id: string,
    digest: string,
    request: IncomingMessage,
  ): Promise<RegistryAnswer> {
    const session = this.find(repository, id);
    if (!session) { return unknown(id); }
    const algorithm = digestAlgorithm(digest);
    if (algorithm === undefined) {
      return ociError(400, 'DIGEST_INVALID', `"${digest}" isn't a sha256 or sha512 digest`);
    }
    return inTurn(session, async () => await this.receive(session, request) ?? this.commit(session, digest, algorithm));
  }

  public cancel(repository: string, id: string): RegistryAnswer {
    const session = this.find(repository, id);
    if (!session) { return unknown(id); }
    this.drop(session);
    return { status: 204 };
  }

  private mount(repository: string, query: URLSearchParams): RegistryAnswer | undefined {
    const [digest, from] = [query.get('mount') ?? '', query.get('from') ?? ''];
    if (digestAlgorithm(digest) === undefined || !isRepositoryName(from)) { return undefined; }
    return this.store.mountBlob(repository, digest, from) ? created(repository, digest) : undefined;
  }

  private open(repository: string): Session {
    const path = this.store.incomingPath();
    closeSync(openSync(path, 'wx'));
    const session = {
      id: randomUUID(),
      repository,
      path,
      hash: createHash('sha256'),
      size: 0,
      turn: Promise.resolve(),
    };
    this.sessions.set(session.id, session);
    return session;
  }

  private find(repository: string, id: string): Session | undefined {
    const session = this.sessions.get(id);
    return session?.repository === repository ? session : undefined;
  }

  private drop(session: Session): void {
    this.sessions.delete(session.id);
    rmSync(session.path, { force: true });
  }

  /** Writes the request's body behind what is there; an answer when it doesn't fit. */
  private async receive(session: Session, request: IncomingMessage): Promise<RegistryAnswer | undefined> {
    if (!this.sessions.has(session.id)) { return unknown(session.id); }
    const range = request.headers['content-range'];
    const [, start = '', end = ''] = /^(?:bytes )?(\d+)-(\d+)/.exec(range ?? '') ?? [];
    if (range !== undefined && (Number(start) !== session.size || start === '')) {
      return ociError(
        416,
        'BLOB_UPLOAD_INVALID',
        `Content-Range is ${range}, the next byte is ${session.size}`,
        progress(session),
      );
    }
    const expected = range === undefined ? undefined : Number(end) - Number(start) + 1;
    if (expected !== undefined
      && request.headers['content-length'] !== undefined
      && Number(request.headers['content-length']) !== expected) {
      return ociError(
        400,
        'SIZE_INVALID',
        `Content-Range has ${expected} bytes, Content-Length is ${request.headers['content-length']}`,
      );
    }
    await this.write(session, request);
    return undefined;
  }

  /** File, hash and size move together: a body that breaks off leaves a session that can go on from there. */
  private async write(session: Session, request: IncomingMessage): Promise<void> {
    let file: number | undefined;
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        file ??= openSync(session.path, 'a');
        writeSync(file, chunk);
        session.hash.update(chunk);
        session.size += chunk.length;
      }
    } finally {
      if (file !== undefined) { closeSync(file); }
    }
  }

  private async commit(session: Session, digest: string, algorithm: DigestAlgorithm): Promise<RegistryAnswer> {
    const actual = algorithm === 'sha256' ? digestSoFar(session.hash) : await digestOfFile(session.path, algorithm);
    if (actual !== digest) {
      this.drop(session);
      return ociError(400, 'DIGEST_INVALID', 'provided digest did not match uploaded content', {}, {
        expected: digest,
        received: actual,
      });
    }
    this.store.adoptBlob(session.repository, digest, session.path);
    this.sessions.delete(session.id);
    return created(session.repository, digest);
  }
}

function inTurn<T>(session: Session, work: () => Promise<T>): Promise<T> {
  // An earlier request's failure was that request's to report; the next one starts from what arrived.
  const result = session.turn.then(work, work);
  session.turn = result;
  return result;
}

async function digestOfFile(path: string, algorithm: DigestAlgorithm): Promise<string> {
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(path)) { hash.update(chunk as Buffer); }
  return `${algorithm}:${hash.digest('hex')}`;
}

function progress(session: Session): Record<string, string> {
  return {
    'location': `/v2/${session.repository}/blobs/uploads/${session.id}`,
    // Inclusive, so that an empty session says `0-0` like one byte: the specification inherited that from distribution.
    'range': `0-${Math.max(0, session.size - 1)}`,
    'docker-upload-uuid': session.id,
  };
}

function accepted(session: Session, status: 202 | 204): RegistryAnswer {
  return { status, headers: progress(session) };
}

function created(repository: string, digest: string): RegistryAnswer {
  return { status: 201, headers: { 'location': `/v2/${repository}/blobs/${digest}`, 'docker-content-digest': digest } };
}

function unknown(id: string): RegistryAnswer {
  return ociError(404, 'BLOB_UPLOAD_UNKNOWN', 'blob upload unknown to registry', {}, { id });
}
