/** The resource that a path of the OCI API names. */
export type RouteKind = 'ping' | 'manifest' | 'blob' | 'upload' | 'tags' | 'referrers' | 'other';

export interface Route {
  readonly kind: RouteKind;
  /** Empty for `ping` and `other`. */
  readonly repository: string;
  /** Tag or digest of a manifest, digest of a blob or subject, id of an upload session; empty when there is none. */
  readonly reference: string;
}

// The greedy name takes a repository that is itself called `a/blobs` or `tags` the right way: the last keyword counts.
const PATTERNS: readonly [RouteKind, RegExp][] = [
  ['upload', /^\/v2\/(.+)\/blobs\/uploads\/?([^/]*)$/],
  ['manifest', /^\/v2\/(.+)\/manifests\/([^/]+)$/],
  ['blob', /^\/v2\/(.+)\/blobs\/([^/]+)$/],
  ['tags', /^\/v2\/(.+)\/tags\/(list)$/],
  ['referrers', /^\/v2\/(.+)\/referrers\/([^/]+)$/],
];

/** @param path decoded path, without the query */
export function parseRoute(path: string): Route {
  if (path === '/v2/' || path === '/v2') { return { kind: 'ping', repository: '', reference: '' }; }
  for (const [kind, pattern] of PATTERNS) {
    const [, repository, reference] = pattern.exec(path) ?? [];
    if (repository !== undefined && reference !== undefined) {
      return { kind, repository, reference: kind === 'tags' ? '' : reference };
    }
  }
  return { kind: 'other', repository: '', reference: '' };
}

/** Path and query of a request target; undefined when the percent-encoding is broken. */
export function parseTarget(target: string): { path: string; query: URLSearchParams } | undefined {
  const mark = target.indexOf('?');
  try {
    return {
      path: decodeURIComponent(mark < 0 ? target : target.slice(0, mark)),
      query: new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1)),
    };
  } catch (error) {
    if (error instanceof URIError) { return undefined; }
    throw error;
  }
}

const NAME = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/;

/** @see https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#pulling-manifests */
export function isRepositoryName(name: string): boolean {
  return name.length <= 255 && NAME.test(name);
}

export function isTag(reference: string): boolean {
  return /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/.test(reference);
}
