/** The registry that holds the bytes, spoken to over plain HTTP without credentials. */
export class Backing {
  public constructor(private readonly url: string) {}

  /** The manifest's bytes; undefined when the registry doesn't have them. */
  public async manifest(repository: string, digest: string): Promise<{ bytes: Buffer; mediaType: string } | undefined> {
    const response = await fetch(`${this.url}/v2/${repository}/manifests/${digest}`, { headers: { accept: ACCEPT } });
    const bytes = Buffer.from(await response.arrayBuffer());
    if (response.status === 404) { return undefined; }
    if (!response.ok) { throw this.failure('GET manifest', repository, digest, response.status, bytes); }
    return { bytes, mediaType: response.headers.get('content-type') ?? '' };
  }

  public async putManifest(repository: string, reference: string, mediaType: string, bytes: Buffer): Promise<void> {
    const body = new Uint8Array(bytes);
    const response = await fetch(
      `${this.url}/v2/${repository}/manifests/${reference}`,
      { method: 'PUT', headers: { 'content-type': mediaType }, body },
    );
    const answer = Buffer.from(await response.arrayBuffer());
    if (!response.ok) { throw this.failure('PUT manifest', repository, reference, response.status, answer); }
  }

  /** Size of a blob; undefined when the registry doesn't have it. */
  public async blobSize(repository: string, digest: string): Promise<number | undefined> {
    const response = await fetch(`${this.url}/v2/${repository}/blobs/${digest}`, { method: 'HEAD' });
    await response.arrayBuffer();
    if (response.status === 404) { return undefined; }
    if (!response.ok) { throw this.failure('HEAD blob', repository, digest, response.status, Buffer.alloc(0)); }
    return Number(response.headers.get('content-length') ?? 0);
  }

  /** Starts an upload; gives the path to go on with. */
  public async startUpload(repository: string): Promise<string> {
    const response = await fetch(`${this.url}/v2/${repository}/blobs/uploads/`, { method: 'POST' });
    const answer = Buffer.from(await response.arrayBuffer());
    const location = response.headers.get('location');
    if (response.status !== 202 || location === null) {
      throw this.failure('POST upload', repository, '', response.status, answer);
    }
    const { pathname, search } = new URL(location, this.url);
    return pathname + search;
  }

  private failure(what: string, repository: string, reference: string, status: number, body: Buffer): Error {
    return new Error(`ECR's backing registry answered ${status} to ${what} ${repository} ${reference}: `
      + `${body.toString().slice(0, 300)}`);
  }
}

const ACCEPT = [
  'application/vnd.oci.image.index.v1+json', 'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json', 'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');
