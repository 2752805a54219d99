import {
  BatchGetImageCommand, CreateRepositoryCommand, DescribeRepositoriesCommand, ECRClient, GetAuthorizationTokenCommand,
  ImageAlreadyExistsException, paginateListImages, PutImageCommand, RepositoryAlreadyExistsException, RepositoryNotFoundException,
} from '@aws-sdk/client-ecr';
import type { TagMutability } from '../../src/domain/mutability';
import type { TargetImages } from '../../src/domain/plan';

/**
 * What a repository holds; undefined when it doesn't exist. Any other failure is thrown: an inventory that could not be
 * read must never look like an empty one.
 */
export async function listImages(ecr: ECRClient, repositoryName: string): Promise<TargetImages | undefined> {
  const digests = new Set<string>();
  const tags = new Map<string, string>();
  try {
    // ECR lists ACTIVE images alone unless told otherwise; an archived one is there all the same.
    const pages = paginateListImages({ client: ecr }, { repositoryName, maxResults: 1000, filter: { imageStatus: 'ANY' } });
    for await (const { imageIds = [] } of pages) {
      for (const { imageDigest, imageTag } of imageIds) {
        if (imageDigest === undefined) { continue; }
        digests.add(imageDigest);
        if (imageTag !== undefined) { tags.set(imageTag, imageDigest); }
      }
    }
  } catch (error) {
    if (error instanceof RepositoryNotFoundException) { return undefined; }
    throw error;
  }
  return { digests, tags };
}

/** URI of the repository (`HOST/NAME`), which is created, encrypted and scanned on push, when it isn't there. */
export async function ensureRepository(ecr: ECRClient, repositoryName: string): Promise<string> {
  try {
    const { repository } = await ecr.send(new CreateRepositoryCommand({
      repositoryName,
      imageScanningConfiguration: { scanOnPush: true },
      encryptionConfiguration: { encryptionType: 'AES256' },
    }));
    return uri(repository?.repositoryUri, repositoryName);
  } catch (error) {
    // Another build was faster.
    if (error instanceof RepositoryAlreadyExistsException) { return repositoryUri(ecr, repositoryName); }
    throw error;
  }
}

/** Whether tags of the repository may be moved. */
export async function tagMutability(ecr: ECRClient, repositoryName: string): Promise<TagMutability> {
  const { repositories } = await ecr.send(new DescribeRepositoriesCommand({ repositoryNames: [repositoryName] }));
  const { imageTagMutability, imageTagMutabilityExclusionFilters } = repositories?.[0] ?? {};
  return {
    setting: imageTagMutability ?? 'MUTABLE',
    exclusions: (imageTagMutabilityExclusionFilters ?? []).flatMap(({ filter }) => filter ?? []),
  };
}

/** The URI that ECR itself gives: its host is another in other partitions, and must not be guessed. */
export async function repositoryUri(ecr: ECRClient, repositoryName: string): Promise<string> {
  const { repositories } = await ecr.send(new DescribeRepositoriesCommand({ repositoryNames: [repositoryName] }));
  return uri(repositories?.[0]?.repositoryUri, repositoryName);
}

function uri(given: string | undefined, repositoryName: string): string {
  if (given === undefined) { throw new Error(`ECR gave no URI for repository "${repositoryName}".`); }
  return given;
}

/** A password for every repository of the registry; good for 12 hours. */
export async function registryPassword(ecr: ECRClient): Promise<{ user: string; password: string }> {
  const { authorizationData } = await ecr.send(new GetAuthorizationTokenCommand({}));
  const [user, password] = Buffer.from(authorizationData?.[0]?.authorizationToken ?? '', 'base64').toString().split(':');
  if (!user || !password) { throw new Error('ECR gave no authorization token, expected one of the form user:password.'); }
  return { user, password };
}

/**
 * Points tags to an image that the repository has. No bytes move.
 *
 * @param pace called before each request that changes something
 */
export async function tagImage(
  ecr: ECRClient, repositoryName: string, digest: string, tags: readonly string[], pace: () => Promise<void> = async () => undefined,
): Promise<void> {
  const { images, failures } = await ecr.send(new BatchGetImageCommand({ repositoryName, imageIds: [{ imageDigest: digest }] }));
  const image = images?.[0];
  if (image?.imageManifest === undefined) {
    throw new Error(`ECR has no manifest for ${repositoryName}@${digest}: ${failures?.[0]?.failureReason ?? 'no reason given'}.`);
  }
  const { imageManifest: manifest, imageManifestMediaType: mediaType } = image;
  await Promise.all(tags.map(async tag => {
    await pace();
    await putImage(ecr, repositoryName, { manifest, mediaType, digest, tag });
  }));
}

/** A manifest to put under a tag. */
export interface Put {
  readonly manifest: string;
  readonly mediaType: string | undefined;
  readonly digest: string;
  readonly tag: string;
}

/** Puts a manifest whose blobs and children the repository has. */
export async function putImage(ecr: ECRClient, repositoryName: string, put: Put): Promise<void> {
  try {
    await ecr.send(new PutImageCommand({
      repositoryName, imageManifest: put.manifest, imageManifestMediaType: put.mediaType, imageDigest: put.digest, imageTag: put.tag,
    }));
  } catch (error) {
    // The tag is there already, with this digest: what was asked for.
    if (!(error instanceof ImageAlreadyExistsException)) { throw error; }
  }
}
