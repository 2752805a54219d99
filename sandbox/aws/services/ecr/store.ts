import type { Backing } from './backing';
import { parseManifest } from './manifest';
import { Repository, RepositorySettings } from './repository';
import { Clock } from '../../core/clock';
import { AwsError, CloudContext } from '../../core/service';

/** The account's private registry: its repositories and what it allows per second. */
export class EcrStore {
  private readonly repositories = new Map<string, Repository>();

  public constructor(private readonly context: CloudContext, public readonly backing: Backing, public readonly rate: RateLimit) {}

  public create(name: string, settings: RepositorySettings): Repository {
    if (this.repositories.has(name)) {
      throw new AwsError('RepositoryAlreadyExistsException', `The repository with name '${name}' already exists in the registry with id '${this.context.account}'`);
    }
    const repository = new Repository(name, this.arn(name), settings, this.context.clock.now());
    this.repositories.set(name, repository);
    this.context.emit({ source: 'ecr', resource: name, kind: 'created', text: `repository ${name}` });
    return repository;
  }

  public get(name: string): Repository {
    const repository = this.repositories.get(name);
    if (!repository) {
      throw new AwsError('RepositoryNotFoundException', `The repository with name '${name}' does not exist in the registry with id '${this.context.account}'`);
    }
    return repository;
  }

  public all(): Repository[] {
    return [...this.repositories.values()].sort((a, b) => a.name < b.name ? -1 : 1);
  }

  public arn(name: string): string {
    return `arn:${this.context.partition}:ecr:${this.context.region}:${this.context.account}:repository/${name}`;
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
      pushedAt: this.context.clock.now(),
    }, tag);
    this.context.emit({ source: 'ecr', resource: name, kind: 'pushed', text: `${name}${tag === undefined ? '' : `:${tag}`} ${digest}` });
  }

  /** The manifests of an index have to be there first. */
  public requireChildren(repository: Repository, bytes: Buffer): void {
    const absent = parseManifest(bytes).children.filter(child => !repository.find(child));
    if (absent.length > 0) { throw this.notFound('ReferencedImagesNotFoundException', 'Images', absent, repository.name); }
  }

  public async requireLayers(repository: Repository, bytes: Buffer): Promise<void> {
    const { blobs } = parseManifest(bytes);
    const sizes = await Promise.all(blobs.map(blob => this.backing.blobSize(repository.name, blob)));
    const absent = blobs.filter((_, at) => sizes[at] === undefined);
    if (absent.length > 0) { throw this.notFound('LayersNotFoundException', 'Layers', absent, repository.name); }
  }

  private notFound(code: string, what: string, digests: readonly string[], name: string): AwsError {
    return new AwsError(code, `${what} with digests '[${digests.join(', ')}]' required for pushing image into repository with name '${name}' in the registry with id '${this.context.account}' do not exist`);
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
