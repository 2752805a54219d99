import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { LayersNotFoundException, ReferencedImagesNotFoundException } from '@aws-sdk/client-ecr';
import { ImageMissing } from '../../../lambda/shared/ecr';
import { Connections, RequestOptions } from '../../../lambda/sync/registry/connections';
import type { SourceManifest } from '../../../lambda/sync/registry/source';

export const SOURCE = 'ghcr.io';
export const TARGET = '111122223333.dkr.ecr.eu-central-1.amazonaws.com';
const STORAGE = 'https://storage.example';

export interface Served {
  readonly bytes: Buffer;
  readonly contentType: string;
}

/** How the source misbehaves, now and then. */
export type Trouble =
  | 'none'
  | 'status'
  | 'other bytes'
  | 'cut'
  | 'redirect'
  | 'redirect to http'
  | 'foreign realm'
  | 'hostile Content-Type'
  | 'error page';

export interface Sent {
  readonly method: string;
  readonly url: URL;
  readonly authorized: boolean;
}

/** Source and target as their clients see them, without sockets: every request is kept. */
export class RegistryConnections extends Connections {
  public readonly sent: Sent[] = [];
  /** Blobs that the target has. */
  public readonly uploaded = new Set<string>();

  /**
   * @param content manifests and blobs of the source's package
   * @param tagged digest that the tag `latest` points to
   * @param troubles one for each request to the source, in their order; afterwards none
   */
  constructor(
    private readonly content: ReadonlyMap<string, Served>,
    private readonly tagged: string,
    private readonly troubles: readonly Trouble[],
    private readonly text: string,
  ) {
    super();
  }

  public override async send(
    url: URL,
    { method = 'GET', headers = {}, body }: RequestOptions,
  ): Promise<IncomingMessage> {
    this.sent.push({ method, url, authorized: headers.authorization !== undefined });
    if (url.host === TARGET) {
      return this.target(method, url, body);
    }
    const trouble = this.troubles[this.sent.length - 1] ?? 'none';
    if (url.pathname === '/token') {
      return answer(200, JSON.stringify({ token: 'registry-token' }));
    }
    if (url.origin === `https://${SOURCE}` && headers.authorization === undefined) {
      const realm = trouble === 'foreign realm' ? this.text : `https://${SOURCE}/token`;
      return answer(401, '', { 'www-authenticate': `Bearer realm="${realm}",service="${SOURCE}",scope="x"` });
    }
    return this.troubled(trouble, method, url);
  }

  private troubled(trouble: Trouble, method: string, url: URL): IncomingMessage {
    const name = url.pathname.split('/').pop() ?? '';
    const digest = name === 'latest' ? this.tagged : name;
    const own = this.content.get(digest);
    switch (trouble) {
      case 'status':
        return answer(500 + (this.text.length % 5), this.text);
      case 'error page':
        return answer(404, this.text);
      case 'other bytes':
        return answer(200, `${this.text} `);
      case 'cut':
        return answer(200, own?.bytes.subarray(0, Math.floor(own.bytes.length / 2)) ?? '');
      case 'redirect':
        return answer(307, '', { location: `${STORAGE}/v2/my-org/app/blobs/${url.pathname.split('/').pop()}` });
      case 'redirect to http':
        return answer(302, '', { location: this.text });
      case 'hostile Content-Type':
        return answer(200, own?.bytes ?? '', { 'content-type': this.text });
      default:
        return own === undefined
          ? answer(404, '{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')
          : answer(200, method === 'HEAD' ? '' : own.bytes, {
            'content-type': own.contentType,
            'docker-content-digest': digest,
          });
    }
  }

  private async target(method: string, url: URL, body: AsyncIterable<Buffer> | undefined): Promise<IncomingMessage> {
    if (method === 'HEAD') {
      return answer(this.uploaded.has(url.pathname.split('/').pop() ?? '') ? 200 : 404, '');
    }
    if (method === 'POST') {
      return answer(202, '', { location: `${url.pathname}upload-1` });
    }
    const chunks: Buffer[] = [];
    for await (const chunk of body ?? []) {
      chunks.push(chunk);
    }
    const digest = digestOf(Buffer.concat(chunks));
    if (url.searchParams.get('digest') !== digest) {
      return answer(400, '{"errors":[{"code":"DIGEST_INVALID"}]}');
    }
    this.uploaded.add(digest);
    return answer(201, '');
  }
}

/** ECR's manifests, which are accepted as ECR does: whole, and after everything that they refer to. */
export class StrictStore {
  public readonly manifests = new Map<string, Buffer>();
  public readonly tags = new Map<string, string>();

  constructor(private readonly blobs: ReadonlySet<string>) {}

  public manifest(digest: string): SourceManifest {
    const bytes = this.manifests.get(digest);
    if (bytes === undefined) {
      throw new ImageMissing(`no image ${digest}`);
    }
    return { bytes, contentType: '' };
  }

  public put(bytes: Buffer, digest: string, tag: string | undefined): void {
    // As PutImage does, it gets a text.
    if (digestOf(Buffer.from(bytes.toString('utf8'), 'utf8')) !== digest) {
      throw new Error('the digest of the manifest is another');
    }
    const { children, blobs } = references(bytes);
    if (!children.every(child => this.manifests.has(child))) {
      throw new ReferencedImagesNotFoundException({ message: 'children', $metadata: {} });
    }
    if (!blobs.every(blob => this.blobs.has(blob))) {
      throw new LayersNotFoundException({ message: 'required for pushing image', $metadata: {} });
    }
    this.manifests.set(digest, bytes);
    if (tag !== undefined) {
      this.tags.set(tag, digest);
    }
  }
}

type Entry = { digest?: unknown; urls?: unknown };

/** What a manifest refers to, read naively: children, or config and layers that are not foreign. */
function references(bytes: Buffer): { readonly children: string[]; readonly blobs: string[] } {
  const document = JSON.parse(bytes.toString('utf8')) as {
    manifests?: Entry[];
    config?: Entry;
    layers?: Entry[];
    mediaType?: string;
  };
  const isIndex = Array.isArray(document.manifests) || /index|list/.test(document.mediaType ?? '');
  const entries = isIndex
    ? (document.manifests ?? [])
    : [...(document.config === undefined ? [] : [document.config]), ...(document.layers ?? [])];
  const own = entries
    .filter(({ urls }) => isIndex || !(Array.isArray(urls) && urls.length > 0))
    .map(({ digest }) => String(digest));
  return isIndex ? { children: own, blobs: [] } : { children: [], blobs: own };
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function answer(statusCode: number, body: string | Buffer, headers: Record<string, string> = {}): IncomingMessage {
  const stream = Readable.from(body.length > 0 ? [Buffer.from(body)] : []);
  return Object.assign(stream, { statusCode, headers }) as unknown as IncomingMessage;
}
