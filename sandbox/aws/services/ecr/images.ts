import { convertFor, DOCKER_TYPES, ServedManifest } from './conversion';
import { checkRegistry, fieldsOf, repositoryName } from './input';
import { parseManifest } from './manifest';
import { onRepository } from './permissions';
import { Repository, statusOf, StoredImage } from './repository';
import type { EcrStore } from './store';
import { digestOf } from '../../../registry/digest';
import type { Fields } from '../../core/fields';
import { AwsError, CloudContext, Input, Operation } from '../../core/service';

/** Operations on single images. */
export function imageOperations(context: CloudContext, store: EcrStore): Record<string, Operation> {
  return {
    BatchGetImage: {
      permissions: onRepository(store, 'ecr:BatchGetImage'),
      handle: input => batchGetImage(context, store, input),
    },
    PutImage: {
      permissions: onRepository(store, 'ecr:PutImage'),
      handle: input => putImage(context, store, input),
    },
    BatchDeleteImage: {
      permissions: onRepository(store, 'ecr:BatchDeleteImage'),
      handle: input => batchDeleteImage(context, store, input),
    },
    BatchCheckLayerAvailability: {
      permissions: onRepository(store, 'ecr:BatchCheckLayerAvailability'),
      handle: input => batchCheckLayerAvailability(context, store, input),
    },
    UpdateImageStorageClass: {
      permissions: onRepository(store, 'ecr:UpdateImageStorageClass'),
      handle: input => updateImageStorageClass(context, store, input),
    },
  };
}

// ------------------------------------------------------------------------------------------------ identifiers

interface ImageId {
  readonly imageDigest?: string;
  readonly imageTag?: string;
}

interface Failure {
  readonly imageId: ImageId;
  readonly failureCode: string;
  readonly failureReason: string;
}

function imageIds(fields: Fields): ImageId[] {
  const ids = fields.require('imageIds', fields.objects('imageIds'));
  if (ids.length < 1 || ids.length > 100) {
    throw fields.fail('imageIds', `must have 1-100 members, got ${ids.length}`);
  }
  return ids.map(imageId);
}

function imageId(fields: Fields): ImageId {
  const imageDigest = fields.only('imageDigest', 'imageTag').optionalText('imageDigest');
  const imageTag = fields.optionalText('imageTag');
  return { ...(imageDigest !== undefined && { imageDigest }), ...(imageTag !== undefined && { imageTag }) };
}

/** The digest that an identifier means, or why it means none. */
function resolve(
  repository: Repository, id: ImageId, find = (reference: string) => repository.find(reference),
): string | Failure {
  const fail = (failureCode: string, failureReason: string): Failure => ({ imageId: id, failureCode, failureReason });
  if (id.imageDigest === undefined && id.imageTag === undefined) {
    return fail('MissingDigestAndTag', 'Invalid request parameters: both tag and digest cannot be null');
  }
  if (id.imageDigest !== undefined && !/^[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+$/.test(id.imageDigest)) {
    return fail(
      'InvalidImageDigest',
      'Invalid request parameters: image digest should satisfy the regex \'[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+\'',
    );
  }
  const image = find(id.imageDigest ?? id.imageTag ?? '');
  if (!image) { return fail('ImageNotFound', 'Requested image not found'); }
  if (id.imageDigest !== undefined
    && id.imageTag !== undefined
    && !repository.tagsOf(image.digest).includes(id.imageTag)) {
    return fail('ImageTagDoesNotMatchDigest', 'Requested image tag does not match the digest');
  }
  return image.digest;
}

// ------------------------------------------------------------------------------------------------ operations

async function batchGetImage(context: CloudContext, store: EcrStore, input: Input): Promise<object> {
  const fields = fieldsOf(input).only('registryId', 'repositoryName', 'imageIds', 'acceptedMediaTypes');
  checkRegistry(fields, context.account);
  const repository = store.get(repositoryName(fields));
  const accepted = fields.texts('acceptedMediaTypes') ?? DOCKER_TYPES;
  const results = await Promise.all(imageIds(fields).map(async id => {
    const digest = resolve(repository, id, reference => store.visible(repository, reference));
    if (typeof digest !== 'string') { return { failure: digest }; }
    const stored = repository.find(digest);
    const content = stored && await read(store, repository, stored);
    // An archived image can't be pulled; which code ECR gives here is not documented, its data plane answers 404.
    if (!content) {
      return { failure: { imageId: id, failureCode: 'ImageNotFound', failureReason: 'Requested image not found' } };
    }
    stored.lastPulledAt = context.clock.now();
    const { bytes, mediaType } = id.imageDigest === undefined ? convertFor(accepted, content) : content;
    return { image: imageOf(context, repository, { ...id, imageDigest: digest }, bytes, mediaType) };
  }));
  return {
    images: results.flatMap(result => result.image ?? []),
    failures: results.flatMap(result => result.failure ?? []),
  };
}

async function read(store: EcrStore, repository: Repository, stored: StoredImage): Promise<ServedManifest | undefined> {
  if (statusOf(stored) !== 'ACTIVE') { return undefined; }
  const content = await store.backing.manifest(repository.name, stored.digest);
  return content && { bytes: content.bytes, mediaType: stored.mediaType };
}

async function putImage(context: CloudContext, store: EcrStore, input: Input): Promise<object> {
  const fields = fieldsOf(input)
    .only('registryId', 'repositoryName', 'imageManifest', 'imageManifestMediaType', 'imageTag', 'imageDigest');
  checkRegistry(fields, context.account);
  const repository = store.get(repositoryName(fields));
  if (!store.rate.take()) { throw new AwsError('ThrottlingException', 'Rate exceeded'); }
  const bytes = Buffer.from(fields.text('imageManifest'));
  const manifest = parseManifest(bytes);
  const mediaType = fields.require(
    'imageManifestMediaType',
    fields.optionalText('imageManifestMediaType') ?? manifest.mediaType,
  );
  const digest = digestOf(bytes);
  const tag = checkTag(fields);
  checkPut(context, fields, repository, digest, tag);
  if (store.refusal(manifest) !== undefined) {
    throw fields.fail('imageManifest', 'must not have subject and artifactType: this registry refuses referrers');
  }
  store.requireChildren(repository, bytes);
  await store.requireLayers(repository, bytes);
  await store.backing.putManifest(repository.name, tag ?? digest, mediaType, bytes);
  store.record(repository.name, digest, mediaType, bytes, tag);
  return {
    image: imageOf(
      context,
      repository,
      { imageDigest: digest, ...(tag !== undefined && { imageTag: tag }) },
      bytes,
      mediaType,
    ),
  };
}

function checkTag(fields: Fields): string | undefined {
  const tag = fields.optionalText('imageTag');
  if (tag !== undefined && !/^[A-Za-z0-9_][A-Za-z0-9._-]{0,299}$/.test(tag)) { throw fields.fail('imageTag', `must be a tag of 1-300 characters, got '${tag}'`); }
  return tag;
}

/** What ECR refuses before it stores anything. */
function checkPut(
  context: CloudContext,
  fields: Fields,
  repository: Repository,
  digest: string,
  tag: string | undefined,
): void {
  const claimed = fields.optionalText('imageDigest');
  if (claimed !== undefined && claimed !== digest) {
    throw new AwsError(
      'ImageDigestDoesNotMatchException',
      `The specified image digest '${claimed}' does not match the digest '${digest}' that ECR `
        + 'calculated for the manifest',
    );
  }
  const existing = repository.find(digest);
  const unchanged = existing
    && statusOf(existing) === 'ACTIVE'
    && (tag === undefined || repository.tagsOf(digest).includes(tag));
  if (unchanged) {
    throw new AwsError(
      'ImageAlreadyExistsException',
      `Image with digest '${digest}' and tag '${tag ?? 'null'}' already exists in the repository with name `
        + `'${repository.name}' in registry with id '${context.account}'`,
    );
  }
  if (tag !== undefined
    && repository.find(tag)
    && repository.find(tag)?.digest !== digest
    && repository.isImmutable(tag)) {
    throw new AwsError(
      'ImageTagAlreadyExistsException',
      `The image tag '${tag}' already exists in the '${repository.name}' repository and cannot be overwritten `
        + 'because the tag is immutable.',
    );
  }
}

function batchDeleteImage(context: CloudContext, store: EcrStore, input: Input): object {
  const fields = fieldsOf(input).only('registryId', 'repositoryName', 'imageIds');
  checkRegistry(fields, context.account);
  const repository = store.get(repositoryName(fields));
  const deleted: ImageId[] = [];
  const failures: Failure[] = [];
  for (const id of imageIds(fields)) {
    const digest = resolve(repository, id);
    const parent = typeof digest === 'string' && id.imageTag === undefined ? repository.parentOf(digest) : undefined;
    if (typeof digest !== 'string') {
      failures.push(digest);
    } else if (parent) {
      failures.push({
        imageId: id,
        failureCode: 'ImageReferencedByManifestList',
        failureReason: `Requested image referenced by manifest list: [${parent.digest}]`,
      });
    } else {
      deleted.push({ ...id, imageDigest: digest });
      if (id.imageTag === undefined) { repository.removeImage(digest); } else { repository.removeTag(id.imageTag); }
    }
  }
  return { imageIds: deleted, failures };
}

async function batchCheckLayerAvailability(context: CloudContext, store: EcrStore, input: Input): Promise<object> {
  const fields = fieldsOf(input).only('registryId', 'repositoryName', 'layerDigests');
  checkRegistry(fields, context.account);
  const repository = store.get(repositoryName(fields));
  const digests = fields.require('layerDigests', fields.texts('layerDigests'));
  if (digests.length < 1 || digests.length > 100) {
    throw fields.fail('layerDigests', `must have 1-100 members, got ${digests.length}`);
  }
  const layers = await Promise.all(digests.map(async layerDigest => {
    const layerSize = await store.backing.blobSize(repository.name, layerDigest);
    return layerSize === undefined
      ? { layerDigest, layerAvailability: 'UNAVAILABLE' }
      : { layerDigest, layerAvailability: 'AVAILABLE', layerSize };
  }));
  return { layers, failures: [] };
}

/** Archiving works at once; restoring, which takes ECR minutes, too. */
function updateImageStorageClass(context: CloudContext, store: EcrStore, input: Input): object {
  const fields = fieldsOf(input).only('registryId', 'repositoryName', 'imageId', 'targetStorageClass');
  checkRegistry(fields, context.account);
  const repository = store.get(repositoryName(fields));
  const id = imageId(fields.require('imageId', fields.object('imageId')));
  const digest = resolve(repository, id);
  if (typeof digest !== 'string') { throw new AwsError('ImageNotFoundException', digest.failureReason); }
  const archive = fields.choice('targetStorageClass', ['STANDARD', 'ARCHIVE']) === 'ARCHIVE';
  if (archive) {
    repository.archive(digest, context.clock.now());
  } else { repository.restore(digest, context.clock.now()); }
  const imageStatus = archive ? 'ARCHIVED' : 'ACTIVE';
  return {
    registryId: context.account,
    repositoryName: repository.name,
    imageId: { ...id, imageDigest: digest },
    imageStatus,
  };
}

function imageOf(context: CloudContext, repository: Repository, id: ImageId, bytes: Buffer, mediaType: string): object {
  const imageManifest = bytes.toString();
  return {
    registryId: context.account,
    repositoryName: repository.name,
    imageId: id,
    imageManifest,
    imageManifestMediaType: mediaType,
  };
}
