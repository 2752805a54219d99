import { AwsError } from '../../core/service';

export type TagMutability = 'MUTABLE' | 'IMMUTABLE' | 'MUTABLE_WITH_EXCLUSION' | 'IMMUTABLE_WITH_EXCLUSION';
export const TAG_MUTABILITY: readonly TagMutability[] = [
  'MUTABLE',
  'IMMUTABLE',
  'MUTABLE_WITH_EXCLUSION',
  'IMMUTABLE_WITH_EXCLUSION',
];

export interface RepositorySettings {
  readonly mutability: TagMutability;
  /** Wildcard filters of the tags that the mutability doesn't apply to. */
  readonly exclusions: readonly string[];
  readonly scanOnPush: boolean;
  readonly encryption: { readonly encryptionType: string; readonly kmsKey?: string };
}

export type RepositoryTags = Readonly<Record<string, string>>;

export interface StoredImage {
  readonly digest: string;
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly subject?: string;
  /** Of config and layers; of an index, of its largest child. */
  readonly size: number;
  readonly children: readonly string[];
  /** Digests of its config and layers. */
  readonly blobs: readonly string[];
  readonly pushedAt: number;
  lastPulledAt?: number;
  archivedAt?: number;
  activatedAt?: number;
}

export interface LifecyclePolicy {
  readonly text: string;
  readonly evaluatedAt: number;
}

export interface ImageRow {
  readonly digest: string;
  readonly tag?: string;
  readonly image: StoredImage;
}

/** What ECR knows of a repository's images; the bytes are in the backing registry. */
export class Repository {
  public policy: object | undefined;
  public lifecycle: LifecyclePolicy | undefined;
  private currentTags: RepositoryTags = {};
  private former: { readonly tags: RepositoryTags; readonly until: number } | undefined;
  private readonly images = new Map<string, StoredImage>();
  private readonly tags = new Map<string, string>();

  public constructor(
    public readonly name: string,
    public readonly arn: string,
    public settings: RepositorySettings,
    public readonly createdAt: number,
  ) {}

  /** What ListTagsForResource shows. */
  public get resourceTags(): RepositoryTags {
    return this.currentTags;
  }

  /** The tags that IAM sees, which may lag behind. */
  public effectiveTags(now: number): RepositoryTags {
    return this.former && now < this.former.until ? this.former.tags : this.currentTags;
  }

  /** @param until when IAM sees the new tags; milliseconds since the epoch */
  public setTags(tags: RepositoryTags, now: number, until: number): void {
    this.former = { tags: this.effectiveTags(now), until };
    this.currentTags = tags;
  }

  /** Whether a manifest of this repository lists the blob: only then can another repository mount it. */
  public references(blob: string): boolean {
    return [...this.images.values()].some(image => image.blobs.includes(blob));
  }

  /** By digest or tag. */
  public find(reference: string): StoredImage | undefined {
    return this.images.get(reference) ?? this.images.get(this.tags.get(reference) ?? '');
  }

  public isImmutable(tag: string): boolean {
    const excluded = this.settings.exclusions.some(filter => matchesWildcard(filter, tag));
    return this.settings.mutability.startsWith('IMMUTABLE') !== excluded;
  }

  /** Pushing an archived image restores it: https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push.html */
  public put(image: StoredImage, tag: string | undefined): void {
    const existing = this.images.get(image.digest);
    if (existing) { activate(existing, image.pushedAt); } else { this.images.set(image.digest, image); }
    if (tag !== undefined) { this.tags.set(tag, image.digest); }
  }

  public archive(digest: string, now: number): void {
    this.require(digest).archivedAt = now;
  }

  public restore(digest: string, now: number): void {
    activate(this.require(digest), now);
  }

  /** An index keeps its children: they can't go before it. */
  public parentOf(digest: string): StoredImage | undefined {
    return [...this.images.values()].find(image => image.children.includes(digest));
  }

  public removeTag(tag: string): void {
    const digest = this.tags.get(tag);
    this.tags.delete(tag);
    // ECR deletes the image with its last tag when it was deleted by tag.
    if (digest !== undefined && this.tagsOf(digest).length === 0 && !this.parentOf(digest)) {
      this.images.delete(digest);
    }
  }

  public removeImage(digest: string): void {
    this.tagsOf(digest).forEach(tag => this.tags.delete(tag));
    this.images.delete(digest);
  }

  public tagsOf(digest: string): string[] {
    return [...this.tags].filter(([, target]) => target === digest).map(([tag]) => tag);
  }

  public allTags(): string[] {
    return [...this.tags.keys()].sort();
  }

  public all(): StoredImage[] {
    return [...this.images.values()].sort((a, b) => a.digest < b.digest ? -1 : 1);
  }

  /** One row for each tag, one for each untagged image, as ListImages shows them. */
  public rows(): ImageRow[] {
    return this.all().flatMap(image => {
      const tags = this.tagsOf(image.digest).sort();
      return tags.length === 0
        ? [{ digest: image.digest, image }]
        : tags.map(tag => ({ digest: image.digest, tag, image }));
    });
  }

  private require(digest: string): StoredImage {
    const image = this.images.get(digest);
    if (!image) {
      throw new AwsError('ImageNotFoundException', `No image with digest ${digest} in repository ${this.name}.`);
    }
    return image;
  }
}

export function statusOf(image: StoredImage): 'ACTIVE' | 'ARCHIVED' {
  return image.archivedAt === undefined ? 'ACTIVE' : 'ARCHIVED';
}

function activate(image: StoredImage, now: number): void {
  if (image.archivedAt === undefined) { return; }
  image.archivedAt = undefined;
  image.activatedAt = now;
}

/** `*` stands for any characters, also none. */
export function matchesWildcard(filter: string, tag: string): boolean {
  const [first, ...rest] = filter.split('*');
  if (rest.length === 0) { return filter === tag; }
  const last = rest.pop() ?? '';
  if (!tag.startsWith(first)) { return false; }
  let at = first.length;
  for (const part of rest) {
    const found = tag.indexOf(part, at);
    if (found < 0) { return false; }
    at = found + part.length;
  }
  return tag.length - last.length >= at && tag.endsWith(last);
}
