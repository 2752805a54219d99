import { acceptedTypes, convertFor, ServedManifest } from './conversion';
import { parseManifest } from './manifest';
import { repositoryPermission } from './permissions';
import { statusOf } from './repository';
import type { EcrStore } from './store';
import type { EcrTokens } from './tokens';
import { digestOf } from '../../../registry/digest';
import { FrontPolicy, ManifestPut, ociError, RegistryAnswer, RegistryRequest } from '../../../registry/front';
import { AwsError, CloudContext, Principal } from '../../core/service';

export interface EcrRegistryOptions {
  /**
   * Registry-wide setting; off in a new account:
   * https://docs.aws.amazon.com/AmazonECR/latest/userguide/blob-mounting.html
   */
  readonly blobMounting?: boolean;
  /** Uploads of no bytes answer 500: https://github.com/aws/containers-roadmap/issues/1074. @default false */
  readonly refuseEmptyBlobs?: boolean;
}

const EMPTY_DIGEST = digestOf('');

/** ECR's data plane: who may do what with `docker push` and `docker pull`, and which tags may move. */
export class EcrRegistryPolicy implements FrontPolicy {
  /** Manifests accepted over the data plane. */
  public puts = 0;

  public constructor(
    private readonly context: CloudContext,
    private readonly store: EcrStore,
    private readonly tokens: EcrTokens,
    private readonly options: EcrRegistryOptions,
  ) {}

  public check(request: RegistryRequest): RegistryAnswer | undefined | Promise<RegistryAnswer | undefined> {
    const caller = this.tokens.check(request.headers.authorization);
    if (typeof caller === 'string') { return this.unauthenticated(caller, request.headers.host ?? ''); }
    if (request.kind === 'ping') { return undefined; }
    const actions = actionsOf(request);
    if (actions === undefined) {
      return ociError(405, 'UNSUPPORTED', `${request.method} ${request.kind} is not supported by ECR`);
    }
    return this.denied(caller, request.repository, actions)
      ?? this.mountDenied(caller, request)
      ?? this.missing(request)
      ?? this.answer(request);
  }

  /** The order of ECR's checks is the service's own: rate, tag, children. */
  public beforePut(put: ManifestPut): RegistryAnswer | undefined {
    const repository = this.store.get(put.repository);
    const tag = tagOf(put.reference);
    if (!this.store.rate.take()) { return ociError(429, 'TOOMANYREQUESTS', 'Rate exceeded'); }
    // Even the same digest is refused: https://github.com/aws/containers-roadmap/issues/2179
    if (tag !== undefined && repository.find(tag) && repository.isImmutable(tag)) {
      return ociError(
        400,
        'TAG_INVALID',
        `The image tag '${tag}' already exists in the '${repository.name}' repository and cannot be overwritten `
          + 'because the tag is immutable.',
      );
    }
    return this.asAnswer(() => this.store.requireChildren(repository, put.bytes)) ?? this.referrerRefused(put);
  }

  public afterPut(put: ManifestPut): void {
    this.puts++;
    this.store.record(put.repository, put.digest, put.mediaType, put.bytes, tagOf(put.reference));
  }

  private referrerRefused(put: ManifestPut): RegistryAnswer | undefined {
    const status = this.store.refusal(parseManifest(put.bytes));
    return status && ociError(status, 'UNSUPPORTED', 'Manifests with a subject are not supported');
  }

  private unauthenticated(problem: 'missing' | 'invalid' | 'expired', host: string): RegistryAnswer {
    if (problem === 'expired') {
      return ociError(403, 'DENIED', 'Your authorization token has expired. Reauthenticate and try again.');
    }
    return {
      status: 401,
      headers: { 'content-type': 'text/plain; charset=utf-8', 'www-authenticate': `Basic realm="https://${host}/",service="ecr.amazonaws.com"` },
      body: 'Not Authorized\n',
    };
  }

  /**
   * The caller needs permission to read a mounted blob in its source repository. We assume that ECR refuses the mount
   * otherwise, and doesn't start an upload.
   */
  private mountDenied(caller: Principal, { kind, method, query }: RegistryRequest): RegistryAnswer | undefined {
    const from = query.get('from');
    if (kind !== 'upload' || method !== 'POST' || from === null || this.options.blobMounting !== true) {
      return undefined;
    }
    return this.denied(caller, from, ['ecr:GetDownloadUrlForLayer']);
  }

  private denied(caller: Principal, repository: string, actions: readonly string[]): RegistryAnswer | undefined {
    const permissions = actions.map(action => repositoryPermission(this.store, action, repository));
    return this.asAnswer(() => this.context.authorize(caller, permissions));
  }

  private missing(request: RegistryRequest): RegistryAnswer | undefined {
    return this.asAnswer(() => { this.store.get(request.repository); });
  }

  /**
   * The control plane decides which images are served: deleted and archived ones are not, although the backing registry
   * still has their bytes.
   */
  private answer(request: RegistryRequest): RegistryAnswer | undefined | Promise<RegistryAnswer | undefined> {
    const { kind, method } = request;
    if (kind === 'tags') { return this.tagList(request); }
    if (kind === 'manifest' && method !== 'PUT') { return this.manifest(request); }
    const mount = kind === 'upload' && method === 'POST' && request.query.has('mount');
    if (mount && !this.mounts(request)) { return this.upload(request); }
    if (kind === 'upload' && this.options.refuseEmptyBlobs === true && request.query.get('digest') === EMPTY_DIGEST) {
      return ociError(500, 'UNKNOWN', 'Internal Server Error');
    }
    return undefined;
  }

  /**
   * GET and HEAD of a manifest are pulls. (Whether HEAD counts in ECR is not documented: what must not count asks
   * ListImages.)
   */
  private async manifest(request: RegistryRequest): Promise<RegistryAnswer | undefined> {
    const { repository: name, reference, method, headers } = request;
    const repository = this.store.get(name);
    const image = this.store.visible(repository, reference);
    if (!image || statusOf(image) !== 'ACTIVE') {
      return ociError(404, 'MANIFEST_UNKNOWN', 'Requested image not found');
    }
    image.lastPulledAt = this.context.clock.now();
    const accepted = acceptedTypes(headers.accept);
    if (tagOf(reference) === undefined || accepted === undefined) { return undefined; }
    const content = await this.store.backing.manifest(name, image.digest);
    const converted = content && convertFor(accepted, { bytes: content.bytes, mediaType: image.mediaType });
    if (!converted || converted.mediaType === image.mediaType) { return undefined; }
    return manifestAnswer(converted, method);
  }

  private mounts({ repository, query }: RegistryRequest): boolean {
    if (this.options.blobMounting !== true) { return false; }
    return this.store.canMount(query.get('mount') ?? '', query.get('from') ?? '', repository);
  }

  /** A mount request that can't be granted starts an ordinary upload, as the specification allows. */
  private async upload(request: RegistryRequest): Promise<RegistryAnswer> {
    const location = await this.store.backing.startUpload(request.repository);
    return { status: 202, headers: { location, 'range': '0-0', 'content-length': '0' } };
  }

  private tagList(request: RegistryRequest): RegistryAnswer {
    const n = Number(request.query.get('n') ?? 1000);
    const last = request.query.get('last') ?? '';
    const rest = this.store.get(request.repository).allTags().filter(tag => tag > last);
    const tags = rest.slice(0, n);
    const link = `</v2/${request.repository}/tags/list?n=${n}&last=`
      + `${encodeURIComponent(tags[tags.length - 1] ?? '')}>; rel="next"`;
    return {
      status: 200,
      headers: { 'content-type': 'application/json', ...(tags.length < rest.length && { link }) },
      body: JSON.stringify({ name: request.repository, tags }),
    };
  }

  private asAnswer(act: () => void): RegistryAnswer | undefined {
    try {
      act();
      return undefined;
    } catch (error) {
      if (!(error instanceof AwsError)) { throw error; }
      const [status, code] = ANSWERS[error.code] ?? [403, 'DENIED'];
      return ociError(status, code, error.message);
    }
  }
}

/** How the data plane words the control plane's errors; everything else is an access that was denied. */
const ANSWERS: Readonly<Record<string, [number, string]>> = {
  RepositoryNotFoundException: [404, 'NAME_UNKNOWN'],
  ReferencedImagesNotFoundException: [400, 'MANIFEST_BLOB_UNKNOWN'],
  InvalidParameterException: [400, 'MANIFEST_INVALID'],
};

/** https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html */
function actionsOf({ kind, method, headers }: RegistryRequest): readonly string[] | undefined {
  const withBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  const table: Readonly<Record<string, readonly string[]>> = {
    'HEAD blob': ['ecr:BatchCheckLayerAvailability'],
    'GET blob': ['ecr:GetDownloadUrlForLayer'],
    'POST upload': ['ecr:InitiateLayerUpload'],
    'PATCH upload': ['ecr:UploadLayerPart'],
    'GET upload': ['ecr:UploadLayerPart'],
    'DELETE upload': ['ecr:UploadLayerPart'],
    'PUT upload': withBody ? ['ecr:UploadLayerPart', 'ecr:CompleteLayerUpload'] : ['ecr:CompleteLayerUpload'],
    'HEAD manifest': ['ecr:BatchGetImage'],
    'GET manifest': ['ecr:BatchGetImage'],
    'PUT manifest': ['ecr:PutImage'],
    'GET tags': ['ecr:ListImages'],
    // Undocumented; the referrers of an image are read like the image.
    'GET referrers': ['ecr:BatchGetImage'],
  };
  return table[`${method} ${kind}`];
}

function manifestAnswer({ mediaType, bytes }: ServedManifest, method: string): RegistryAnswer {
  const length = String(bytes.length);
  const headers = { 'content-type': mediaType, 'docker-content-digest': digestOf(bytes), 'content-length': length };
  return { status: 200, headers, ...(method === 'GET' && { body: bytes }) };
}

export function tagOf(reference: string): string | undefined {
  return reference.includes(':') ? undefined : reference;
}
