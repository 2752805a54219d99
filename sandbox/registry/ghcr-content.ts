import { randomBytes } from 'node:crypto';
import { HttpServer } from '../http-server';
import { ociError, RegistryAnswer } from './answer';
import { FrontPolicy, RegistryRequest, startFront } from './front';
import type { Faults } from '../faults';

/** Settings of the other host; `GhcrOptions` says what they mean. */
export interface ContentOptions {
  readonly backing: { readonly url: string };
  readonly contentFaults?: Faults;
  readonly refuseOpenRanges?: boolean;
}

/**
 * The other host from which ghcr.io lets blobs be read: it asks for no token, since the address that it was redirected
 * to is signed. (There it is pkg-containers.githubusercontent.com.)
 */
export class ContentHost {
  public static async start(options: ContentOptions): Promise<ContentHost> {
    const { backing, contentFaults: faults, refuseOpenRanges } = options;
    const signatures = new Set<string>();
    const signed = signedOnly(signatures);
    const policy: FrontPolicy = {
      check: request => signed(request) ?? (refuseOpenRanges === true ? refuseOpenRange(request) : undefined),
    };
    return new ContentHost(await startFront({ backing, faults, policy }), signatures);
  }

  private constructor(public readonly server: HttpServer, private readonly signatures: Set<string>) {}

  /** Sends the reader of a blob here. */
  public redirect(repository: string, digest: string): RegistryAnswer {
    const signature = randomBytes(12).toString('hex');
    this.signatures.add(`${repository} ${digest} ${signature}`);
    return {
      status: 307,
      headers: { location: `${this.server.url}/v2/${repository}/blobs/${digest}?signature=${signature}` },
    };
  }
}

function signedOnly(signatures: ReadonlySet<string>): (request: RegistryRequest) => RegistryAnswer | undefined {
  const isSigned = ({ method, repository, reference, query }: RegistryRequest): boolean =>
    (method === 'GET' || method === 'HEAD')
      && signatures.has(`${repository} ${reference} ${query.get('signature') ?? ''}`);
  return request => isSigned(request) ? undefined
    : {
      status: 403,
      headers: { 'content-type': 'application/xml' },
      body: '<Error><Code>AuthenticationFailed</Code></Error>',
    };
}

/** A range of a blob that doesn't say where it ends. */
export function refuseOpenRange({ kind, method, headers }: RegistryRequest): RegistryAnswer | undefined {
  if (kind !== 'blob' || method !== 'GET' || !/^bytes=\d+-$/.test(headers.range ?? '')) { return undefined; }
  return ociError(416, 'BLOB_UNKNOWN', 'The requested range is not satisfiable');
}
