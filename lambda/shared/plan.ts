import { isImmutable, MUTABLE, TagMutability } from './mutability';
import { isRepositoryName, isTag } from '../../src/image-name';

/** One version of a GHCR package: a manifest or index with the tags that point to it. */
export interface SourceVersion {
  readonly digest: string;
  /** Empty for the children of an index, and for an image whose tags have moved on. */
  readonly tags: readonly string[];
}

/** What an ECR repository holds. */
export interface TargetImages {
  /** Every manifest and index, tagged or not. */
  readonly digests: ReadonlySet<string>;
  /** Tag to digest. */
  readonly tags: ReadonlyMap<string, string>;
  /**
   * Whether its tags may be moved. Matters only where `movesTags` is true.
   *
   * @default MUTABLE
   */
  readonly mutability?: TagMutability;
}

/** An image that ECR lacks: its bytes have to move. */
export interface CopyAction {
  readonly kind: 'copy';
  readonly digest: string;
  readonly tags: readonly string[];
}

/** A tag that ECR lacks, or has on an older image, of an image that ECR has: no bytes move. */
export interface TagAction {
  readonly kind: 'tag';
  readonly digest: string;
  readonly tags: readonly string[];
}

export type Action = CopyAction | TagAction;

/** A tag that GHCR has moved, in a repository that lets no tag be moved. It is left as it is. */
export interface Conflict {
  readonly tag: string;
  /** Where GHCR's tag points to. */
  readonly digest: string;
  /** Where ECR's tag points to. */
  readonly present: string;
}

export type SkipReason =
  /** No tag points to it: a child of an index (which travels with its index), or superseded. */
  | 'untagged'
  /** The tag isn't one by the OCI specification, so no client could pull it. */
  | 'invalid-tag'
  /** ECR accepts no repository of this name. */
  | 'invalid-repository-name';

export interface Plan {
  readonly repository: string;
  /** False: the repository has to be created before anything is copied. */
  readonly repositoryExists: boolean;
  /** In the order of the source, which is newest first. */
  readonly actions: readonly Action[];
  /** Tags that can't be what they should be. */
  readonly conflicts: readonly Conflict[];
  /** Tags that are what they should be. */
  readonly unchanged: number;
  /** Versions (or tags, where the tag is the reason) left out, by reason. */
  readonly skipped: Readonly<Partial<Record<SkipReason, number>>>;
}

/**
 * The difference between a GHCR package and its ECR repository, as work.
 *
 * @param repository name of the ECR repository
 * @param source the package's versions, newest first. Versions and tags that occur twice (a push between two pages of
 * the listing shifts entries to the next page) count once, the first time: the newest listing wins.
 * @param target what the repository holds; undefined when there is no such repository
 */
export function plan(repository: string, source: Iterable<SourceVersion>, target: TargetImages | undefined): Plan {
  const actions: Action[] = [];
  const conflicts: Conflict[] = [];
  const skipped: Partial<Record<SkipReason, number>> = {};
  const skip = (reason: SkipReason): void => { skipped[reason] = (skipped[reason] ?? 0) + 1; };
  const refused = !isRepositoryName(repository);
  let unchanged = 0;
  for (const { digest, tags } of distinct(source)) {
    if (refused) { skip('invalid-repository-name'); continue; }
    if (tags.length === 0) { skip('untagged'); continue; }
    const wanted: string[] = [];
    for (const tag of tags) {
      const present = target?.tags.get(tag);
      if (!isTag(tag)) {
        skip('invalid-tag');
      } else if (present === digest) {
        unchanged++;
      } else if (present !== undefined && isImmutable(target?.mutability ?? MUTABLE, tag)) {
        conflicts.push({ tag, digest, present });
      } else {
        wanted.push(tag);
      }
    }
    if (wanted.length > 0) {
      actions.push({ kind: target?.digests.has(digest) ? 'tag' : 'copy', digest, tags: wanted });
    }
  }
  return { repository, repositoryExists: target !== undefined, actions, conflicts, unchanged, skipped };
}

/** Whether a plan points existing tags to other images, which an immutable repository refuses. */
export function movesTags({ actions }: Plan, target: TargetImages | undefined): boolean {
  return actions.some(({ tags }) => tags.some(tag => target?.tags.has(tag)));
}

function* distinct(source: Iterable<SourceVersion>): Generator<SourceVersion> {
  const digests = new Set<string>();
  const taken = new Set<string>();
  for (const { digest, tags } of source) {
    if (digests.has(digest)) { continue; }
    digests.add(digest);
    const own = [...new Set(tags)].filter(tag => !taken.has(tag));
    own.forEach(tag => taken.add(tag));
    // A version whose every tag was seen on a newer one is not "untagged": its tags moved while the pages were read.
    if (own.length > 0 || tags.length === 0) { yield { digest, tags: own }; }
  }
}
