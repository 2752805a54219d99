/**
 * Syntax of the repository names that ECR accepts, apart from their length.
 *
 * @see https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
 */
const REPOSITORY_NAME = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/;
const REPOSITORY_NAME_LENGTH = { min: 2, max: 256 };

/** Syntax of tags in the OCI distribution specification. */
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

/** Syntax of digests. GHCR and ECR use SHA-256 alone, although OCI knows further algorithms. */
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/**
 * Returns the name of the ECR repository for a GHCR package: `<prefix>/<package>`, or the package alone for an empty
 * prefix.
 */
export function repositoryName(prefix: string, packageName: string): string {
  const name = packageName.toLowerCase();
  return prefix === '' ? name : `${prefix}/${name}`;
}

/**
 * Returns the path of a package in GHCR. Paths in a registry are lower-case, even if the organization's login is not.
 */
export function sourceRepository(organization: string, packageName: string): string {
  return `${organization}/${packageName}`.toLowerCase();
}

export function isRepositoryName(name: string): boolean {
  return name.length >= REPOSITORY_NAME_LENGTH.min
    && name.length <= REPOSITORY_NAME_LENGTH.max
    && REPOSITORY_NAME.test(name);
}

export function isTag(tag: string): boolean {
  return TAG.test(tag);
}

export function isDigest(digest: string): boolean {
  return DIGEST.test(digest);
}
