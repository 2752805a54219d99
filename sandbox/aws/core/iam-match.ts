/** `*` and `?` of policies, over the whole text. */
export function wildcard(pattern: string, text: string, ignoreCase = false): boolean {
  const source = [...pattern].map(char => char === '*' ? '[^]*' : char === '?' ? '[^]' : char.replace(/[.+^${}()|[\]\\/-]/g, '\\$&')).join('');
  return new RegExp(`^${source}$`, ignoreCase ? 'i' : '').test(text);
}

/**
 * Actions don't care for case: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
 */
export function actionMatches(pattern: string, action: string): boolean {
  return wildcard(pattern, action, true);
}

/**
 * ARNs are compared part by part, so that a `*` doesn't reach over a colon into the next part:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
 */
export function arnMatches(pattern: string, arn: string): boolean {
  if (pattern === '*') { return true; }
  const patterns = arnParts(pattern);
  const parts = arnParts(arn);
  if (patterns.length !== 6 || parts.length !== 6) { return pattern === arn; }
  return patterns.every((part, index) => wildcard(part, parts[index] ?? ''));
}

/** The six parts of an ARN; the last one keeps its colons. */
export function arnParts(arn: string): readonly string[] {
  const parts = arn.split(':');
  return parts.length < 6 ? parts : [...parts.slice(0, 5), parts.slice(5).join(':')];
}

/** How narrow a pattern is: the number of characters that it fixes. */
export function specificity(pattern: string): number {
  return pattern.replace(/[*?]/g, '').length;
}
