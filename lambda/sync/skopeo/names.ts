/**
 * A message without the names that skopeo was called with. Packages and tags are named by other people: an image
 * `my-org/denied-page` or `my-org/app:unsupported` must not read like a refusal.
 *
 * @param names image references such as `ghcr.io/my-org/app@sha256:...` or `HOST/my-org/app:tag`, and file paths
 */
export function withoutNames(message: string, names: readonly string[]): string {
  const parts = [...new Set(names.flatMap(partsOf))].filter(part => part !== '').sort((a, b) => b.length - a.length);
  return parts.reduce((text, part) => text.replace(pattern(part), '…'), message);
}

/**
 * Everything of a name that a message can quote alone: the whole, the host, the repository with and
 * without its host, tag and digest.
 */
function partsOf(name: string): string[] {
  const [, host = '', repository = '', tag = '', digest = ''] = /^([^/]*)\/(.+?)(?::([\w.-]+))?(?:@(\w+:\w+))?$/.exec(name) ?? [];
  return [name, `${host}/${repository}`, host, repository, tag, digest];
}

/**
 * Matches a name where messages have names: as a part of a reference, a path or a URL, in quotes, or
 * between the words around a manifest's or a repository's name. A package that is called `denied` must not
 * take the word out of `denied: denied`.
 */
function pattern(name: string): RegExp {
  const literal = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  // Names with these characters occur nowhere else.
  if (/[/@]|\w:\w/.test(name)) { return new RegExp(`(?<![\\w-])${literal}(?![\\w-])`, 'g'); }
  return new RegExp([
    `(?<=[/'"@]|\\w:)${literal}(?=$|[/'":@?,;)\\s])`,
    `(?<=\\b(?:reading|uploading|writing|fetching) manifest )${literal}(?= (?:to|in|from) )`,
    `(?<=\\brepository )${literal}(?=:)`,
  ].join('|'), 'g');
}
