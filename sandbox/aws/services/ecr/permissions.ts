import { fieldsOf } from './input';
import type { EcrStore } from './store';
import type { Input, RequiredPermission } from '../../core/service';

type Tags = Readonly<Record<string, string>>;

/**
 * Condition keys of ECR's actions. The resource type `repository` has `ecr:ResourceTag/KEY` and `aws:ResourceTag/KEY`,
 * so every action on a
 * repository evaluates them, but for CreateRepository, whose repository has no tags yet. Requests that carry tags add
 * `aws:RequestTag/KEY`
 * and `aws:TagKeys`.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
 */
export function tagContext(
  resource: Tags,
  requested: Tags = {},
  keys = Object.keys(requested),
): Record<string, readonly string[]> {
  return {
    'ecr:ResourceTag/': [],
    'aws:ResourceTag/': [],
    'aws:RequestTag/': [],
    'aws:TagKeys': keys,
    ...keysOf('ecr:ResourceTag', resource),
    ...keysOf('aws:ResourceTag', resource),
    ...keysOf('aws:RequestTag', requested),
  };
}

function keysOf(family: string, tags: Tags): Record<string, readonly string[]> {
  return Object.fromEntries(Object.entries(tags).map(([key, value]) => [`${family}/${key}`, [value]]));
}

/** An action on the repository that the input names, with that repository's tags. */
export function onRepository(store: EcrStore, action: string): (input: Input) => RequiredPermission[] {
  return input => [repositoryPermission(store, action, fieldsOf(input).text('repositoryName'))];
}

export function repositoryPermission(store: EcrStore, action: string, name: string): RequiredPermission {
  return { action, resource: store.arn(name), context: tagContext(store.find(name)?.effectiveTags(store.now()) ?? {}) };
}
