import { createHash } from 'node:crypto';
import { RetryLater } from './failure';

/** A manifest as the registry keeps it. */
export interface SourceManifest {
  readonly bytes: Buffer;
  readonly contentType: string;
}

/** Reads manifests from the registry that is mirrored. The images themselves are skopeo's business. */
export interface SourceRegistry {
  manifest(repository: string, digest: string): Promise<SourceManifest>;
}

export interface SourceRegistryOptions {
  /** `ghcr.io` */
  readonly host: string;
  readonly user: string;
  readonly token: () => string;
  /** Called for each request. */
  readonly count?: () => void;
}

const MANIFESTS = [
  'application/vnd.oci.image.index.v1+json', 'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json', 'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

/**
 * A client of as much of the OCI distribution API as it takes to read a manifest by digest.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
 */
export function sourceRegistry(options: SourceRegistryOptions): SourceRegistry {
  const base = `${isLoopback(options.host) ? 'http' : 'https'}://${options.host}`;
  const authorizations = new Map<string, Promise<string>>();
  const get = async (url: string, headers: Record<string, string>): Promise<Response> => {
    options.count?.();
    try {
      return await fetch(url, { headers, signal: AbortSignal.timeout(60_000) });
    } catch (error) {
      // fetch() says "fetch failed" and hides the reason in its cause.
      throw new Error(`${options.host}: fetch failed: ${String((error as Error).cause ?? error)}`);
    }
  };
  const authorize = async (challenge: string, repository: string): Promise<string> => {
    const basic = `Basic ${Buffer.from(`${options.user}:${options.token()}`).toString('base64')}`;
    const realm = /^bearer\b.*?realm="([^"]+)"/i.exec(challenge)?.[1];
    if (realm === undefined) { return basic; }
    const url = new URL(realm);
    url.searchParams.set('service', /service="([^"]+)"/.exec(challenge)?.[1] ?? options.host);
    url.searchParams.set('scope', `repository:${repository}:pull`);
    const response = await get(String(url), { authorization: basic });
    const body = await bodyOf(response, `token for ${repository}`);
    const { token, access_token: accessToken } = JSON.parse(body.toString('utf8')) as { token?: string; access_token?: string };
    return `Bearer ${token ?? accessToken ?? ''}`;
  };
  return {
    async manifest(repository, digest) {
      const url = `${base}/v2/${repository}/manifests/${digest}`;
      const send = async (known: Promise<string> | undefined): Promise<Response> =>
        get(url, { accept: MANIFESTS, ...(known === undefined ? {} : { authorization: await known }) });
      const known = authorizations.get(repository);
      let response = await send(known);
      const challenge = response.headers.get('www-authenticate');
      if (response.status === 401 && challenge !== null) {
        await response.arrayBuffer();
        // Of all who are refused at the same time, one asks for a token.
        if (authorizations.get(repository) === known) { authorizations.set(repository, authorize(challenge, repository)); }
        response = await send(authorizations.get(repository)?.catch((error: unknown) => {
          authorizations.delete(repository);
          throw error;
        }));
      }
      const bytes = await bodyOf(response, `${repository}@${digest}`);
      const received = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
      if (received !== digest) { throw new Error(`${options.host} sent ${received} for ${repository}@${digest}: does not match expected digest`); }
      return { bytes, contentType: response.headers.get('content-type') ?? '' };
    },
  };
}

async function bodyOf(response: Response, what: string): Promise<Buffer> {
  const bytes = await readBody(response, what);
  // The registry's own words (`manifest unknown`, `denied`) decide whether another try can help.
  if (response.ok) { return bytes; }
  const message = `${new URL(response.url).host} answered ${response.status} to ${what}: ${bytes.toString('utf8').slice(0, 300)}`;
  const waitSeconds = Number(response.headers.get('retry-after') ?? NaN);
  throw waitSeconds > 0 ? new RetryLater(message, waitSeconds * 1000) : new Error(message);
}

/** A body that is cut off says "terminated", and hides the reason in its cause. */
async function readBody(response: Response, what: string): Promise<Buffer> {
  try {
    return Buffer.from(await response.arrayBuffer());
  } catch (error) {
    throw new Error(`${new URL(response.url).host}: connection closed in the answer to ${what}: ${String((error as Error).cause ?? error)}`);
  }
}

/** As container tools do: a registry on this machine speaks plain HTTP. */
function isLoopback(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+)(:\d+)?$/.test(host);
}
