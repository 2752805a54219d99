import { checkedName, checkRegistry, fieldsOf, pageOf, repositoryName } from './input';
import { onRepository, repositoryPermission, tagContext } from './permissions';
import { Repository, TAG_MUTABILITY, TagMutability } from './repository';
import type { EcrStore } from './store';
import { tagsOf } from './tags';
import type { Fields } from '../../core/fields';
import { epochSeconds, urlSuffix } from '../../core/naming';
import { CloudContext, Input, Operation, RequiredPermission } from '../../core/service';

/** @param host of the data plane: `repositoryUri` begins with it */
export function repositoryOperations(context: CloudContext, store: EcrStore, host: string): Record<string, Operation> {
  return {
    CreateRepository: {
      permissions: input => createPermissions(context, store, input),
      handle: input => {
        const fields = fieldsOf(input).only(
          'registryId',
          'repositoryName',
          'tags',
          'imageTagMutability',
          'imageTagMutabilityExclusionFilters',
          'imageScanningConfiguration',
          'encryptionConfiguration',
        );
        checkRegistry(fields, context.account);
        const scanning = fields.object('imageScanningConfiguration')?.only('scanOnPush');
        const repository = store.create(repositoryName(fields), {
          ...mutabilityOf(fields, 'MUTABLE'),
          scanOnPush: scanning?.flag('scanOnPush') ?? false,
          encryption: encryptionOf(fields),
        }, tagsOf(fields));
        return { repository: describe(context, repository, host) };
      },
    },
    DescribeRepositories: {
      permissions: input => {
        const names = fieldsOf(input).texts('repositoryNames') ?? [];
        return names.length === 0
          ? [{ action: 'ecr:DescribeRepositories', resource: store.arn('*'), context: tagContext({}) }]
          : names.map(name => repositoryPermission(store, 'ecr:DescribeRepositories', name));
      },
      handle: input => {
        const fields = fieldsOf(input).only('registryId', 'repositoryNames', 'nextToken', 'maxResults');
        checkRegistry(fields, context.account);
        const names = fields.texts('repositoryNames');
        if (names && names.length > 100) {
          throw fields.fail('repositoryNames', `must have at most 100 members, got ${names.length}`);
        }
        if (names) {
          return {
            repositories: names.map(name => describe(context, store.get(checkedName(name, 'repositoryNames')), host)),
          };
        }
        const { page, next } = pageOf(store.all(), repository => repository.name, fields);
        return { repositories: page.map(repository => describe(context, repository, host)), ...next };
      },
    },
    PutImageTagMutability: {
      permissions: onRepository(store, 'ecr:PutImageTagMutability'),
      handle: input => {
        const fields = fieldsOf(input)
          .only('registryId', 'repositoryName', 'imageTagMutability', 'imageTagMutabilityExclusionFilters');
        checkRegistry(fields, context.account);
        const repository = store.get(repositoryName(fields));
        repository.settings = { ...repository.settings, ...mutabilityOf(fields) };
        const { imageTagMutability, imageTagMutabilityExclusionFilters } = describeMutability(repository);
        return {
          registryId: context.account,
          repositoryName: repository.name,
          imageTagMutability,
          imageTagMutabilityExclusionFilters,
        };
      },
    },
    PutImageScanningConfiguration: {
      permissions: onRepository(store, 'ecr:PutImageScanningConfiguration'),
      handle: input => {
        const fields = fieldsOf(input).only('registryId', 'repositoryName', 'imageScanningConfiguration');
        checkRegistry(fields, context.account);
        const repository = store.get(repositoryName(fields));
        const member = 'imageScanningConfiguration';
        const scanning = fields.require(member, fields.object(member)).only('scanOnPush');
        repository.settings = { ...repository.settings, scanOnPush: scanning.flag('scanOnPush') ?? false };
        const imageScanningConfiguration = { scanOnPush: repository.settings.scanOnPush };
        return { registryId: context.account, repositoryName: repository.name, imageScanningConfiguration };
      },
    },
  };
}

/**
 * Tags in the request need a permission of their own, and a key of the customer's is used by a grant that the caller
 * makes.
 * @see https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-using-tags.html
 * @see https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html
 */
function createPermissions(context: CloudContext, store: EcrStore, input: Input): RequiredPermission[] {
  const fields = fieldsOf(input);
  const resource = store.arn(fields.text('repositoryName'));
  const requested = tagsOf(fields);
  const needed = ['ecr:CreateRepository', ...(Object.keys(requested).length > 0 ? ['ecr:TagResource'] : [])];
  return [
    ...needed.map(action => ({ action, resource, context: tagContext({}, requested) })),
    ...keyPermissions(context, fields.object('encryptionConfiguration')?.optionalText('kmsKey')),
  ];
}

function keyPermissions({ account, partition, region }: CloudContext, key: string | undefined): RequiredPermission[] {
  if (key === undefined) { return []; }
  const prefix = `arn:${partition}:kms:${region}:${account}:`;
  const resource = key.startsWith('arn:') ? key : `${prefix}${key.startsWith('alias/') ? '' : 'key/'}${key}`;
  const keys = {
    'kms:ViaService': `ecr.${region}.${urlSuffix(partition)}`,
    'kms:GrantIsForAWSResource': 'true',
    'kms:CallerAccount': account,
  };
  return ['kms:DescribeKey', 'kms:CreateGrant'].map(action => ({ action, resource, context: keys }));
}

/** https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageTagMutabilityExclusionFilter.html */
function mutabilityOf(fields: Fields, otherwise?: TagMutability): { mutability: TagMutability; exclusions: string[] } {
  const mutability = fields.choice('imageTagMutability', TAG_MUTABILITY, otherwise);
  const filters = fields.objects('imageTagMutabilityExclusionFilters') ?? [];
  if (filters.length > 5) {
    throw fields.fail('imageTagMutabilityExclusionFilters', `must have at most 5 members, got ${filters.length}`);
  }
  if (mutability.endsWith('_WITH_EXCLUSION') !== filters.length > 0) {
    throw fields.fail(
      'imageTagMutabilityExclusionFilters',
      `must ${filters.length > 0 ? 'be absent' : 'have 1-5 members'} when imageTagMutability is ${mutability}`,
    );
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
  if (encryptionType === 'AES256' && kmsKey !== undefined) {
    throw encryption.fail('kmsKey', 'must be absent with encryptionType AES256');
  }
  return kmsKey === undefined ? { encryptionType } : { encryptionType, kmsKey };
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

function describeMutability(
  { settings }: Repository,
): { imageTagMutability: string; imageTagMutabilityExclusionFilters?: object[] } {
  return {
    imageTagMutability: settings.mutability,
    ...(settings.exclusions.length > 0 && {
      imageTagMutabilityExclusionFilters: settings.exclusions.map(filter => ({ filterType: 'WILDCARD', filter })),
    }),
  };
}
