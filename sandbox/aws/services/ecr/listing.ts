import { checkRegistry, fieldsOf, pageOf, repositoryName } from './input';
import { onRepository } from './permissions';
import { ImageRow, Repository, statusOf, StoredImage } from './repository';
import type { EcrStore } from './store';
import type { Fields } from '../../core/fields';
import { epochSeconds } from '../../core/naming';
import { AwsError, CloudContext, Operation } from '../../core/service';

/** ListImages and DescribeImages: pages and filters. */
export function listingOperations(context: CloudContext, store: EcrStore): Record<string, Operation> {
  return {
    ListImages: {
      permissions: onRepository(store, 'ecr:ListImages'),
      handle: input => {
        const fields = fieldsOf(input).only('registryId', 'repositoryName', 'nextToken', 'maxResults', 'filter');
        checkRegistry(fields, context.account);
        const wanted = filterOf(fields.object('filter'));
        const repository = store.get(repositoryName(fields));
        const rows = repository.rows().filter(row =>
          wanted(row.image, row.tag !== undefined) && !store.hidesRow(repository, row));
        const { page, next } = pageOf(rows, keyOf, fields);
        return {
          imageIds: page.map(row => ({ imageDigest: row.digest, ...(row.tag !== undefined && { imageTag: row.tag }) })),
          ...next,
        };
      },
    },
    DescribeImages: {
      permissions: onRepository(store, 'ecr:DescribeImages'),
      handle: input => {
        const fields = fieldsOf(input)
          .only('registryId', 'repositoryName', 'imageIds', 'nextToken', 'maxResults', 'filter');
        checkRegistry(fields, context.account);
        const repository = store.get(repositoryName(fields));
        const ids = fields.objects('imageIds');
        if (ids) {
          const images = named(context, store, repository, ids, fields);
          return { imageDetails: images.map(image => describe(context, repository, image)) };
        }
        const wanted = filterOf(fields.object('filter'));
        const images = repository.all().filter(image =>
          wanted(image, repository.tagsOf(image.digest).length > 0) && !store.hides(repository, image.digest));
        const { page, next } = pageOf(images, image => image.digest, fields);
        return { imageDetails: page.map(image => describe(context, repository, image)), ...next };
      },
    },
  };
}

/** Only active images are listed unless the filter asks for others: archived ones look missing. */
function filterOf(filter: Fields | undefined): (image: StoredImage, tagged: boolean) => boolean {
  const tagStatus = filter?.only('tagStatus', 'imageStatus').choice('tagStatus', ['TAGGED', 'UNTAGGED', 'ANY'], 'ANY')
    ?? 'ANY';
  const imageStatus = filter?.choice('imageStatus', ['ACTIVE', 'ARCHIVED', 'ACTIVATING', 'ANY'], 'ACTIVE') ?? 'ACTIVE';
  return (image, tagged) => (tagStatus === 'ANY' || tagged === (tagStatus === 'TAGGED'))
    && (imageStatus === 'ANY' || statusOf(image) === imageStatus);
}

function keyOf(row: ImageRow): string {
  return `${row.digest} ${row.tag ?? ''}`;
}

function named(
  context: CloudContext, store: EcrStore, repository: Repository, ids: readonly Fields[], fields: Fields,
): StoredImage[] {
  if (fields.has('nextToken') || fields.has('maxResults')) {
    throw fields.fail('imageIds', 'can\'t be used together with nextToken or maxResults');
  }
  if (ids.length < 1 || ids.length > 100) {
    throw fields.fail('imageIds', `must have 1-100 members, got ${ids.length}`);
  }
  return ids.map(id => {
    const digest = id.only('imageDigest', 'imageTag').optionalText('imageDigest');
    const tag = id.optionalText('imageTag');
    const image = store.visible(repository, digest ?? tag ?? '');
    if (!image || (tag !== undefined && !repository.tagsOf(image.digest).includes(tag))) {
      throw new AwsError(
        'ImageNotFoundException',
        `The image with imageId {imageDigest:'${digest ?? 'null'}', imageTag:'${tag ?? 'null'}'} does not exist within `
          + `the repository with name '${repository.name}' in the registry with id '${context.account}'`,
      );
    }
    return image;
  });
}

function describe(context: CloudContext, repository: Repository, image: StoredImage): object {
  const tags = repository.tagsOf(image.digest);
  return {
    registryId: context.account,
    repositoryName: repository.name,
    imageDigest: image.digest,
    ...(tags.length > 0 && { imageTags: tags }),
    imageSizeInBytes: image.size,
    imagePushedAt: epochSeconds(image.pushedAt),
    imageManifestMediaType: image.mediaType,
    ...(image.artifactType !== undefined && { artifactMediaType: image.artifactType }),
    ...(image.subject !== undefined && { subjectManifestDigest: image.subject }),
    imageStatus: statusOf(image),
    ...(image.lastPulledAt !== undefined && { lastRecordedPullTime: epochSeconds(image.lastPulledAt) }),
    ...(image.archivedAt !== undefined && { lastArchivedAt: epochSeconds(image.archivedAt) }),
    ...(image.activatedAt !== undefined && { lastActivatedAt: epochSeconds(image.activatedAt) }),
  };
}
