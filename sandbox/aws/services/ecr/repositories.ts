import { checkedName, checkRegistry, fieldsOf, onRepository, pageOf, repositoryName } from './input';
import { Repository, TAG_MUTABILITY, TagMutability } from './repository';
import type { EcrStore } from './store';
import type { Fields } from '../../core/fields';
import { epochSeconds } from '../../core/naming';
import { AwsError, CloudContext, Operation } from '../../core/service';

/** @param host of the data plane: `repositoryUri` begins with it */
export function repositoryOperations(context: CloudContext, store: EcrStore, host: string): Record<string, Operation> {
  return {
    CreateRepository: {
      // Tags in the request need a permission of their own: https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-using-tags.html
      permissions: input => {
        const resource = store.arn(fieldsOf(input).text('repositoryName'));
        const tagging = fieldsOf(input).objects('tags')?.length ? [{ action: 'ecr:TagResource', resource }] : [];
        return [{ action: 'ecr:CreateRepository', resource }, ...tagging];
      },
      handle: input => {
        const fields = fieldsOf(input).only(
          'registryId', 'repositoryName', 'tags', 'imageTagMutability', 'imageTagMutabilityExclusionFilters', 'imageScanningConfiguration', 'encryptionConfiguration',
        );
        checkRegistry(fields, context.account);
        const scanning = fields.object('imageScanningConfiguration')?.only('scanOnPush');
        const repository = store.create(repositoryName(fields), {
          ...mutabilityOf(fields, 'MUTABLE'),
          scanOnPush: scanning?.flag('scanOnPush') ?? false,
          encryption: encryptionOf(fields),
          tags: tagsOf(fields),
        });
        return { repository: describe(context, repository, host) };
      },
    },
    DescribeRepositories: {
      permissions: input => {
        const names = fieldsOf(input).texts('repositoryNames') ?? [];
        return names.length === 0
          ? [{ action: 'ecr:DescribeRepositories', resource: store.arn('*') }]
          : names.map(name => ({ action: 'ecr:DescribeRepositories', resource: store.arn(name) }));
      },
      handle: input => {
        const fields = fieldsOf(input).only('registryId', 'repositoryNames', 'nextToken', 'maxResults');
        checkRegistry(fields, context.account);
        const names = fields.texts('repositoryNames');
        if (names && names.length > 100) { throw fields.fail('repositoryNames', `must have at most 100 members, got ${names.length}`); }
        if (names) { return { repositories: names.map(name => describe(context, store.get(checkedName(name, 'repositoryNames')), host)) }; }
        const { page, next } = pageOf(store.all(), repository => repository.name, fields);
        return { repositories: page.map(repository => describe(context, repository, host)), ...next };
      },
    },
    PutImageTagMutability: {
      permissions: onRepository(store, 'ecr:PutImageTagMutability'),
      handle: input => {
        const fields = fieldsOf(input).only('registryId', 'repositoryName', 'imageTagMutability', 'imageTagMutabilityExclusionFilters');
        checkRegistry(fields, context.account);
        const repository = store.get(repositoryName(fields));
        repository.settings = { ...repository.settings, ...mutabilityOf(fields) };
        const { imageTagMutability, imageTagMutabilityExclusionFilters } = describeMutability(repository);
        return { registryId: context.account, repositoryName: repository.name, imageTagMutability, imageTagMutabilityExclusionFilters };
      },
    },
    TagResource: {
      permissions: input => [{ action: 'ecr:TagResource', resource: fieldsOf(input).text('resourceArn') }],
      handle: input => {
        const fields = fieldsOf(input).only('resourceArn', 'tags');
        const repository = byArn(store, fields);
        repository.settings = { ...repository.settings, tags: { ...repository.settings.tags, ...tagsOf(fields) } };
        return {};
      },
    },
    ListTagsForResource: {
      permissions: input => [{ action: 'ecr:ListTagsForResource', resource: fieldsOf(input).text('resourceArn') }],
      handle: input => {
        const { tags } = byArn(store, fieldsOf(input).only('resourceArn')).settings;
        return { tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
      },
    },
    GetRepositoryPolicy: {
      permissions: onRepository(store, 'ecr:GetRepositoryPolicy'),
      handle: input => {
        const repository = store.get(repositoryName(fieldsOf(input).only('registryId', 'repositoryName')));
        if (!repository.policy) {
          throw new AwsError('RepositoryPolicyNotFoundException', `Repository policy does not exist for the repository with name '${repository.name}' in the registry with id '${context.account}'`);
        }
        return { registryId: context.account, repositoryName: repository.name, policyText: JSON.stringify(repository.policy) };
      },
    },
  };
}

function byArn(store: EcrStore, fields: Fields): Repository {
  return store.get(fields.text('resourceArn').split(':repository/')[1] ?? '');
}

/** https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageTagMutabilityExclusionFilter.html */
function mutabilityOf(fields: Fields, otherwise?: TagMutability): { mutability: TagMutability; exclusions: string[] } {
  const mutability = fields.choice('imageTagMutability', TAG_MUTABILITY, otherwise);
  const filters = fields.objects('imageTagMutabilityExclusionFilters') ?? [];
  if (filters.length > 5) { throw fields.fail('imageTagMutabilityExclusionFilters', `must have at most 5 members, got ${filters.length}`); }
  if (mutability.endsWith('_WITH_EXCLUSION') !== filters.length > 0) {
    throw fields.fail('imageTagMutabilityExclusionFilters', `must ${filters.length > 0 ? 'be absent' : 'have 1-5 members'} when imageTagMutability is ${mutability}`);
  }
  return { mutability, exclusions: filters.map(filterOf) };
}

function filterOf(filter: Fields): string {
  filter.only('filterType', 'filter').choice('filterType', ['WILDCARD']);
  const text = filter.text('filter');
  if (!/^[0-9a-zA-Z._*-]{1,128}$/.test(text) || text.split('*').length > 3) {
    throw filter.fail('filter', `must be 1-128 of 0-9 a-z A-Z . _ * - with at most two wildcards, got '${text}'`);
  }
  return text;
}

function encryptionOf(fields: Fields): { encryptionType: string; kmsKey?: string } {
  const encryption = fields.object('encryptionConfiguration')?.only('encryptionType', 'kmsKey');
  if (!encryption) { return { encryptionType: 'AES256' }; }
  const encryptionType = encryption.choice('encryptionType', ['AES256', 'KMS', 'KMS_DSSE']);
  const kmsKey = encryption.optionalText('kmsKey');
  if (encryptionType === 'AES256' && kmsKey !== undefined) { throw encryption.fail('kmsKey', 'must be absent with encryptionType AES256'); }
  return kmsKey === undefined ? { encryptionType } : { encryptionType, kmsKey };
}

function tagsOf(fields: Fields): Record<string, string> {
  const tags = fields.objects('tags') ?? [];
  if (tags.length > 50) { throw new AwsError('TooManyTagsException', `A repository can have at most 50 tags, got ${tags.length}`); }
  return Object.fromEntries(tags.map(tag => [tag.only('Key', 'Value').text('Key'), tag.optionalText('Value') ?? '']));
}

function describe(context: CloudContext, repository: Repository, host: string): object {
  const { settings } = repository;
  return {
    repositoryArn: repository.arn,
    registryId: context.account,
    repositoryName: repository.name,
    repositoryUri: `${host}/${repository.name}`,
    createdAt: epochSeconds(repository.createdAt),
    ...describeMutability(repository),
    imageScanningConfiguration: { scanOnPush: settings.scanOnPush },
    encryptionConfiguration: settings.encryption,
  };
}

function describeMutability({ settings }: Repository): { imageTagMutability: string; imageTagMutabilityExclusionFilters?: object[] } {
  return {
    imageTagMutability: settings.mutability,
    ...(settings.exclusions.length > 0 && { imageTagMutabilityExclusionFilters: settings.exclusions.map(filter => ({ filterType: 'WILDCARD', filter })) }),
  };
}
