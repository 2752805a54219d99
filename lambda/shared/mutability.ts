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

/**
 * Matches from left to right and never goes back: each literal is taken where it occurs first, which leaves
 * most room for the next one. Both the filter and the tag can be chosen by an enemy, and a regular
 * expression with six wildcards took 39 s.
 */
function matches(filter: string, tag: string): boolean {
  const [head = '', ...literals] = filter.split('*');
  const tail = literals.pop();
  if (tail === undefined) { return tag === filter; }
  if (!tag.startsWith(head)) { return false; }
  let from = head.length;
  for (const literal of literals) {
    const at = tag.indexOf(literal, from);
    if (at === -1) { return false; }
    from = at + literal.length;
  }
  return tag.length - tail.length >= from && tag.endsWith(tail);
}
