/** Whether a repository lets a tag be moved. */
export interface TagMutability {
  /** `MUTABLE`, `IMMUTABLE`, `IMMUTABLE_WITH_EXCLUSION` or `MUTABLE_WITH_EXCLUSION`. */
  readonly setting: string;
  /** Wildcard filters (`*` stands for any characters) of the tags that are the exception. */
  readonly exclusions: readonly string[];
}

export const MUTABLE: TagMutability = { setting: 'MUTABLE', exclusions: [] };

/**
 * True when ECR refuses to point an existing tag to another image.
 *
 * @see https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html
 */
export function isImmutable({ setting, exclusions }: TagMutability, tag: string): boolean {
  const excluded = exclusions.some(filter => matches(filter, tag));
  return setting.startsWith('IMMUTABLE') ? !excluded : setting === 'MUTABLE_WITH_EXCLUSION' && excluded;
}

function matches(filter: string, tag: string): boolean {
  const pattern = filter.split('*').map(literal => literal.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*');
  return new RegExp(`^${pattern}$`).test(tag);
}
