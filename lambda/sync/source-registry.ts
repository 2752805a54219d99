import { createHash } from 'node:crypto';

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
  const authorizations = new Map<string, string>();
  const get = async (url: string, headers: Record<string, string>): Promise<Response> => {
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
      const send = (): Promise<Response> => {
        const authorization = authorizations.get(repository);
        return get(url, { accept: MANIFESTS, ...(authorization === undefined ? {} : { authorization }) });
      };
      let response = await send();
      const challenge = response.headers.get('www-authenticate');
      if (response.status === 401 && challenge !== null) {
        await response.arrayBuffer();
        authorizations.set(repository, await authorize(challenge, repository));
        response = await send();
      }
      const bytes = await bodyOf(response, `${repository}@${digest}`);
      const received = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
      if (received !== digest) { throw new Error(`${options.host} sent ${received} for ${repository}@${digest}: does not match expected digest`); }
      return { bytes, contentType: response.headers.get('content-type') ?? '' };
    },
  };
}

async function bodyOf(response: Response, what: string): Promise<Buffer> {
  const bytes = Buffer.from(await response.arrayBuffer());
  // The registry's own words (`manifest unknown`, `denied`) decide whether another try can help.
  if (!response.ok) { throw new Error(`${new URL(response.url).host} answered ${response.status} to ${what}: ${bytes.toString('utf8').slice(0, 300)}`); }
  return bytes;
}

/** As container tools do: a registry on this machine speaks plain HTTP. */
function isLoopback(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+)(:\d+)?$/.test(host);
}
