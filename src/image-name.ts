/**
 * What ECR accepts as a repository name.
 *
 * @see https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
 */
const REPOSITORY_NAME = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/;
const REPOSITORY_NAME_LENGTH = { min: 2, max: 256 };

/** What the OCI distribution specification accepts as a tag. */
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** Name of the ECR repository that holds a GHCR package: `<prefix>/<package>`, or the package alone for an empty prefix. */
export function repositoryName(prefix: string, packageName: string): string {
  const name = packageName.toLowerCase();
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** Path of a package in GHCR. Registry paths are lower-case, whatever the organization's display name is. */
export function sourceRepository(organization: string, packageName: string): string {
  return `${organization}/${packageName}`.toLowerCase();
}

export function isRepositoryName(name: string): boolean {
  return name.length >= REPOSITORY_NAME_LENGTH.min && name.length <= REPOSITORY_NAME_LENGTH.max && REPOSITORY_NAME.test(name);
}

export function isTag(tag: string): boolean {
  return TAG.test(tag);
}

export function isDigest(digest: string): boolean {
  return DIGEST.test(digest);
}
