import {
  BatchGetImageCommand,
  CreateRepositoryCommand,
  DescribeRepositoriesCommand,
  ECRClient,
  ECRServiceException,
  GetAuthorizationTokenCommand,
  ImageAlreadyExistsException,
  paginateListImages,
  PutImageCommand,
  RepositoryAlreadyExistsException,
  RepositoryNotFoundException,
} from '@aws-sdk/client-ecr';
import type { TagMutability } from './mutability';
import type { TargetImages } from './plan';

/**
 * What a repository holds; undefined when it doesn't exist. Any other failure is thrown: an inventory that could not be
 * read must never look like an empty one.
 */
export async function listImages(ecr: ECRClient, repositoryName: string): Promise<TargetImages | undefined> {
  const digests = new Set<string>();
  const tags = new Map<string, string>();
  try {
    // ECR lists ACTIVE images alone unless told otherwise; an archived one is there all the same.
    const pages = paginateListImages(
      { client: ecr },
      { repositoryName, maxResults: 1000, filter: { imageStatus: 'ANY' } },
    );
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

/** Creates the repository, encrypted and scanned on push. */
export async function createRepository(ecr: ECRClient, repositoryName: string): Promise<void> {
  try {
    await ecr.send(new CreateRepositoryCommand({
      repositoryName,
      imageScanningConfiguration: { scanOnPush: true },
      encryptionConfiguration: { encryptionType: 'AES256' },
    }));
  } catch (error) {
    // Another build was faster: what was asked for.
    if (!(error instanceof RepositoryAlreadyExistsException)) { throw error; }
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

/** Where the registry is, and what opens it. */
export interface RegistryLogin {
  /**
   * `ghcr.io`; ECR's as ECR itself gives it, because it is another in other partitions:
   * `111122223333.dkr.ecr.eu-central-1.amazonaws.com`
   */
  readonly host: string;
  readonly user: string;
  readonly password: string;
}

/** A login for every repository of the registry; good for 12 hours. */
export async function registryLogin(ecr: ECRClient): Promise<RegistryLogin> {
  const { authorizationData } = await ecr.send(new GetAuthorizationTokenCommand({}));
  const { authorizationToken = '', proxyEndpoint = '' } = authorizationData?.[0] ?? {};
  const [user, password] = Buffer.from(authorizationToken, 'base64').toString().split(':');
  if (!user || !password) {
    throw new Error('ECR gave no authorization token, expected one of the form user:password.');
  }
  if (!URL.canParse(proxyEndpoint)) {
    throw new Error(`ECR gave "${proxyEndpoint}" as the registry of its authorization token, expected a URL.`);
  }
  return { host: new URL(proxyEndpoint).host, user, password };
}

/** What tags point to, by asking for the images themselves. Tags that do not exist are left out. At most 100 tags. */
export async function taggedImages(
  ecr: ECRClient,
  repositoryName: string,
  tags: readonly string[],
): Promise<Map<string, string>> {
  const { images = [] } = await ecr.send(
    new BatchGetImageCommand({ repositoryName, imageIds: tags.map(imageTag => ({ imageTag })) }),
  );
  return new Map(images.flatMap(({ imageId }) =>
    imageId?.imageTag !== undefined && imageId.imageDigest !== undefined
      ? [[imageId.imageTag, imageId.imageDigest] as const]
      : []));
}

/** The repository has no such image, or has it in its archive. */
export class ImageMissing extends Error {
  public override readonly name = 'ImageMissing';
}

/**
 * The manifest of an image, as ECR keeps it.
 *
 * @throws ImageMissing
 */
export async function imageManifest(
  ecr: ECRClient,
  repositoryName: string,
  digest: string,
): Promise<Pick<Put, 'manifest' | 'mediaType'>> {
  const { images, failures } = await ecr.send(
    new BatchGetImageCommand({ repositoryName, imageIds: [{ imageDigest: digest }] }),
  );
  const { imageManifest: manifest, imageManifestMediaType: mediaType } = images?.[0] ?? {};
  if (manifest === undefined) {
    throw new ImageMissing(`ECR has no manifest for ${repositoryName}@${digest}: `
      + `${failures?.[0]?.failureReason ?? 'no reason given'}.`);
  }
  return { manifest, mediaType };
}

/** A manifest to put under a tag. */
export interface Put {
  readonly manifest: string;
  readonly mediaType: string | undefined;
  readonly digest: string;
  /** Without one, the manifest is there by its digest alone. */
  readonly tag?: string;
}

/** Puts a manifest whose blobs and children the repository has. */
export async function putImage(ecr: ECRClient, repositoryName: string, put: Put): Promise<void> {
  try {
    await ecr.send(new PutImageCommand({
      repositoryName,
      imageManifest: put.manifest,
      imageManifestMediaType: put.mediaType,
      imageDigest: put.digest,
      imageTag: put.tag,
    }));
  } catch (error) {
    // The tag is there already, with this digest: what was asked for.
    if (error instanceof ImageAlreadyExistsException) { return; }
    const { name, message, $metadata } = error as Partial<ECRServiceException>;
    const status = $metadata?.httpStatusCode ?? 0;
    // The SDK's own text for it tells nobody that another try can help.
    throw status >= 500 ? new Error(`ECR answered ${status} to PutImage: ${name} ${message}`, { cause: error }) : error;
  }
}
