import type { Backing } from './backing';
import { Manifest, parseManifest } from './manifest';
import { ImageRow, Repository, RepositorySettings, RepositoryTags, StoredImage } from './repository';
import { PushLag } from '../../../registry/push-lag';
import { Clock } from '../../core/clock';
import { AwsError, CloudContext } from '../../core/service';

export interface StoreOptions {
  /**
   * How long a manifest stays unknown to ListImages, DescribeImages, BatchGetImage, GET and HEAD after its push.
   * @see https://github.com/acorn-io/runtime/issues/1079
   * @default 0
   */
  readonly lagMs?: number;
  /** How long IAM still decides by a repository's former tags. @default 0 */
  readonly tagLagMs?: number;
  /**
   * Status with which the data plane refuses manifests with `subject` and `artifactType`; PutImage refuses them, too.
   * @see https://github.com/aws/containers-roadmap/issues/2783
   * @default - they are accepted
   */
  readonly refuseReferrers?: 400 | 405;
}

/** The account's private registry: its repositories and what it allows per second. */
export class EcrStore {
  private readonly repositories = new Map<string, Repository>();
  private readonly lag: PushLag;

  public constructor(
    private readonly context: CloudContext, public readonly backing: Backing, public readonly rate: RateLimit,
    private readonly options: StoreOptions = {},
  ) {
    this.lag = new PushLag(options.lagMs ?? 0, () => this.now());
  }

  public now(): number {
    return this.context.clock.now();
  }

  public create(name: string, settings: RepositorySettings, tags: RepositoryTags): Repository {
    if (this.repositories.has(name)) {
      throw new AwsError(
        'RepositoryAlreadyExistsException',
        `The repository with name '${name}' already exists in the registry with id '${this.context.account}'`,
      );
    }
    const repository = new Repository(name, this.arn(name), settings, this.context.clock.now());
    this.setTags(repository, tags);
    this.repositories.set(name, repository);
    this.context.emit({ source: 'ecr', resource: name, kind: 'created', text: `repository ${name}` });
    return repository;
  }

  /** IAM may see the new tags later: `aws:ResourceTag` is eventually consistent. */
  public setTags(repository: Repository, tags: RepositoryTags): void {
    repository.setTags(tags, this.now(), this.now() + (this.options.tagLagMs ?? 0));
  }

  public find(name: string): Repository | undefined {
    return this.repositories.get(name);
  }

  public get(name: string): Repository {
    const repository = this.repositories.get(name);
    if (!repository) {
      throw new AwsError(
        'RepositoryNotFoundException',
        `The repository with name '${name}' does not exist in the registry with id '${this.context.account}'`,
      );
    }
    return repository;
  }

  public byArn(arn: string): Repository | undefined {
    return [...this.repositories.values()].find(repository => repository.arn === arn);
  }

  public all(): Repository[] {
    return [...this.repositories.values()].sort((a, b) => a.name < b.name ? -1 : 1);
  }

  public arn(name: string): string {
    return `arn:${this.context.partition}:ecr:${this.context.region}:${this.context.account}:repository/${name}`;
  }

  /** The image, unless readers don't see it yet. */
  public visible(repository: Repository, reference: string): StoredImage | undefined {
    return this.hides(repository, reference) ? undefined : repository.find(reference);
  }

  /** @param reference tag or digest */
  public hides(repository: Repository, reference: string): boolean {
    return this.lag.hides(repository.name, reference);
  }

  public hidesRow(repository: Repository, { digest, tag }: ImageRow): boolean {
    return this.hides(repository, digest) || (tag !== undefined && this.hides(repository, tag));
  }

  /** Whether ECR takes attestations as OCI artifacts everywhere is open: tests try both answers. */
  public refusal({ isReferrer }: Manifest): 400 | 405 | undefined {
    return isReferrer ? this.options.refuseReferrers : undefined;
  }

  /** A mount needs a manifest of the other repository that lists the blob, and the same encryption in both. */
  public canMount(blob: string, from: string, to: string): boolean {
    const [source, target] = [this.find(from), this.find(to)];
    const encryption = (repository: Repository | undefined): string => JSON.stringify(repository?.settings.encryption);
    return source?.references(blob) === true && encryption(source) === encryption(target);
  }

  /** Notes a manifest that the backing registry accepted. */
  public record(name: string, digest: string, mediaType: string, bytes: Buffer, tag: string | undefined): void {
    const repository = this.get(name);
    const manifest = parseManifest(bytes);
    const childSizes = manifest.children.map(child => repository.find(child)?.size ?? 0);
    repository.put({
      digest,
      mediaType,
      artifactType: manifest.artifactType,
      subject: manifest.subject,
      size: Math.max(manifest.size, ...childSizes),
      children: manifest.children,
      blobs: manifest.blobs,
      pushedAt: this.context.clock.now(),
    }, tag);
    this.lag.pushed({ repository: name, reference: tag ?? digest, digest });
    this.context.emit({
      source: 'ecr',
      resource: name,
      kind: 'pushed',
      text: `${name}${tag === undefined ? '' : `:${tag}`} ${digest}`,
    });
  }

  /** The manifests of an index have to be there first. */
  public requireChildren(repository: Repository, bytes: Buffer): void {
    const absent = parseManifest(bytes).children.filter(child => !repository.find(child));
    if (absent.length > 0) {
      throw this.notFound('ReferencedImagesNotFoundException', 'Images', absent, repository.name);
    }
  }

  public async requireLayers(repository: Repository, bytes: Buffer): Promise<void> {
    const { blobs } = parseManifest(bytes);
    const sizes = await Promise.all(blobs.map(blob => this.backing.blobSize(repository.name, blob)));
    const absent = blobs.filter((_, at) => sizes[at] === undefined);
    if (absent.length > 0) { throw this.notFound('LayersNotFoundException', 'Layers', absent, repository.name); }
  }

  private notFound(code: string, what: string, digests: readonly string[], name: string): AwsError {
    return new AwsError(
      code,
      `${what} with digests '[${digests.join(', ')}]' required for pushing image into repository with name '${name}' `
        + `in the registry with id '${this.context.account}' do not exist`,
    );
  }
}

/** A token bucket that holds one second's worth. */
export class RateLimit {
  private tokens: number;
  private filledAt: number;

  /** @param perSecond undefined = unlimited */
  public constructor(private readonly clock: Clock, private readonly perSecond: number | undefined) {
    this.tokens = perSecond ?? 0;
    this.filledAt = clock.now();
  }

  /** False when the caller has to wait. */
  public take(): boolean {
    if (this.perSecond === undefined) { return true; }
    const now = this.clock.now();
    this.tokens = Math.min(this.perSecond, this.tokens + (now - this.filledAt) / 1000 * this.perSecond);
    this.filledAt = now;
    if (this.tokens < 1) { return false; }
    this.tokens--;
    return true;
  }
}
