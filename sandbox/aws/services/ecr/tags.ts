import { fieldsOf } from './input';
import { tagContext } from './permissions';
import type { Repository, RepositoryTags } from './repository';
import type { EcrStore } from './store';
import type { Fields } from '../../core/fields';
import { AwsError, Input, Operation, RequiredPermission } from '../../core/service';

/** https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_TagResource.html and its siblings */
export function tagOperations(store: EcrStore): Record<string, Operation> {
  return {
    TagResource: {
      permissions: input => [permission(store, 'ecr:TagResource', input, tagsOf(fieldsOf(input)))],
      handle: input => {
        const fields = fieldsOf(input).only('resourceArn', 'tags');
        const repository = byArn(store, fields);
        fields.require('tags', fields.objects('tags'));
        const tags = { ...repository.resourceTags, ...tagsOf(fields) };
        checkCount(tags);
        store.setTags(repository, tags);
        return {};
      },
    },
    UntagResource: {
      permissions: input => [permission(store, 'ecr:UntagResource', input, {}, fieldsOf(input).texts('tagKeys'))],
      handle: input => {
        const fields = fieldsOf(input).only('resourceArn', 'tagKeys');
        const repository = byArn(store, fields);
        const keys = fields.require('tagKeys', fields.texts('tagKeys'));
        store.setTags(
          repository,
          Object.fromEntries(Object.entries(repository.resourceTags).filter(([key]) => !keys.includes(key))),
        );
        return {};
      },
    },
    ListTagsForResource: {
      permissions: input => [permission(store, 'ecr:ListTagsForResource', input)],
      handle: input => {
        const { resourceTags } = byArn(store, fieldsOf(input).only('resourceArn'));
        return { tags: Object.entries(resourceTags).map(([Key, Value]) => ({ Key, Value })) };
      },
    },
  };
}

function permission(
  store: EcrStore,
  action: string,
  input: Input,
  tags: RepositoryTags = {},
  keys?: string[],
): RequiredPermission {
  const resource = fieldsOf(input).text('resourceArn');
  return { action, resource, context: tagContext(store.byArn(resource)?.effectiveTags(store.now()) ?? {}, tags, keys) };
}

function byArn(store: EcrStore, fields: Fields): Repository {
  const arn = fields.text('resourceArn');
  const name = /^arn:[^:]+:ecr:[^:]*:\d{12}:repository\/(.+)$/.exec(arn)?.[1];
  if (name === undefined) {
    throw fields.fail('resourceArn', `must be the ARN of a repository, got '${arn}'`);
  }
  return store.byArn(arn) ?? store.get(name);
}

/** https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-using-tags.html#tag-restrictions */
export function tagsOf(fields: Fields): RepositoryTags {
  const tags = Object.fromEntries((fields.objects('tags') ?? []).map(tagOf));
  checkCount(tags);
  return tags;
}

function tagOf(tag: Fields): [string, string] {
  const [key, value] = [tag.only('Key', 'Value').text('Key'), tag.text('Value')];
  const refuse = (why: string): AwsError =>
    new AwsError('InvalidTagParameterException', `Invalid parameter at 'tags': ${why}`);
  if (!TEXT.test(key) || key.length < 1 || key.length > 128) {
    throw refuse(`the key must be 1-128 characters, got '${key}'`);
  }
  if (key.toLowerCase().startsWith('aws:')) {
    throw refuse(`the prefix aws: is reserved, got '${key}'`);
  }
  if (!TEXT.test(value) || value.length > 256) {
    throw refuse(`the value must be 0-256 characters, got '${value}'`);
  }
  return [key, value];
}

const TEXT = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

function checkCount(tags: RepositoryTags): void {
  const { length } = Object.keys(tags);
  if (length > 50) {
    throw new AwsError('TooManyTagsException', `A repository can have at most 50 tags, got ${length}`);
  }
}
