import { ociError, RegistryAnswer } from './answer';
import { digestAlgorithm } from './digest';
import { readManifest } from './manifest-content';
import type { Store } from './store';

export function listTags(store: Store, repository: string, query: URLSearchParams): RegistryAnswer {
  if (!store.hasRepository(repository)) {
    return ociError(404, 'NAME_UNKNOWN', 'repository name not known to registry', {}, { name: repository });
  }
  const page = paginate(store.tags(repository), query);
  return page
    ? json({ name: repository, tags: page.items }, link(`/v2/${repository}/tags/list`, page))
    : badCount(query);
}

export function listRepositories(store: Store, query: URLSearchParams): RegistryAnswer {
  const page = paginate(store.repositories(), query);
  return page ? json({ repositories: page.items }, link('/v2/_catalog', page)) : badCount(query);
}

/** @see https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#listing-referrers */
export function listReferrers(
  store: Store,
  repository: string,
  subject: string,
  query: URLSearchParams,
): RegistryAnswer {
  if (digestAlgorithm(subject) === undefined) {
    return ociError(400, 'DIGEST_INVALID', `"${subject}" isn't a sha256 or sha512 digest`);
  }
  const wanted = query.get('artifactType');
  const manifests = store.referrers(repository, subject)
    .map(digest => describe(store, repository, digest))
    .filter(descriptor => descriptor !== undefined && (wanted === null || descriptor.artifactType === wanted));
  const index = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests };
  return json(
    index,
    { 'content-type': index.mediaType, ...(wanted === null ? {} : { 'oci-filters-applied': 'artifactType' }) },
  );
}

function describe(store: Store, repository: string, digest: string) {
  const manifest = store.manifest(repository, digest);
  const content = manifest && readManifest(manifest.bytes);
  return manifest && content && {
    mediaType: manifest.mediaType,
    digest,
    size: manifest.bytes.length,
    artifactType: content.artifactType,
    annotations: content.annotations,
  };
}

interface Page {
  readonly items: string[];
  /** Query of the next page. */
  readonly next?: URLSearchParams;
}

/** undefined when `n` isn't a number. */
export function paginate(sorted: readonly string[], query: URLSearchParams): Page | undefined {
  const last = query.get('last');
  const count = query.get('n');
  if (count !== null && !/^\d+$/.test(count)) { return undefined; }
  const rest = last === null ? [...sorted] : sorted.filter(item => item > last);
  if (count === null) { return { items: rest }; }
  const items = rest.slice(0, Number(count));
  const end = items.at(-1);
  return items.length < rest.length && end !== undefined
    ? { items, next: new URLSearchParams({ n: count, last: end }) }
    : { items };
}

function link(path: string, page: Page): Record<string, string> {
  return page.next ? { link: `<${path}?${page.next.toString()}>; rel="next"` } : {};
}

function badCount(query: URLSearchParams): RegistryAnswer {
  return ociError(400, 'PAGINATION_NUMBER_INVALID', `n is "${query.get('n')}", not a number of results`);
}

function json(body: object, headers: Record<string, string>): RegistryAnswer {
  const bytes = Buffer.from(JSON.stringify(body));
  return { status: 200, headers: { 'content-type': 'application/json; charset=utf-8', ...headers }, body: bytes };
}
