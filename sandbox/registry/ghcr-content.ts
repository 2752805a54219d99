import { randomBytes } from 'node:crypto';
import { HttpServer } from '../http-server';
import { RegistryAnswer } from './answer';
import { FrontOptions, FrontPolicy, RegistryRequest, startFront } from './front';

/**
 * The other host from which ghcr.io lets blobs be read: it asks for no token, since the address that it was redirected to is signed.
 * (There it is pkg-containers.githubusercontent.com.)
 */
export class ContentHost {
  public static async start(options: Omit<FrontOptions, 'policy'>): Promise<ContentHost> {
    const signatures = new Set<string>();
    return new ContentHost(await startFront({ ...options, policy: signedOnly(signatures) }), signatures);
  }

  private constructor(public readonly server: HttpServer, private readonly signatures: Set<string>) {}

  /** Sends the reader of a blob here. */
  public redirect(repository: string, digest: string): RegistryAnswer {
    const signature = randomBytes(12).toString('hex');
    this.signatures.add(`${repository} ${digest} ${signature}`);
    return { status: 307, headers: { location: `${this.server.url}/v2/${repository}/blobs/${digest}?signature=${signature}` } };
  }
}

function signedOnly(signatures: ReadonlySet<string>): FrontPolicy {
  const isSigned = ({ method, repository, reference, query }: RegistryRequest): boolean =>
    (method === 'GET' || method === 'HEAD') && signatures.has(`${repository} ${reference} ${query.get('signature') ?? ''}`);
  return {
    check: request => isSigned(request) ? undefined
      : { status: 403, headers: { 'content-type': 'application/xml' }, body: '<Error><Code>AuthenticationFailed</Code></Error>' },
  };
}
