import { checkRegistry, fieldsOf, repositoryName } from './input';
import { onRepository } from './permissions';
import type { Repository } from './repository';
import type { EcrStore } from './store';
import type { Fields } from '../../core/fields';
import { parsePolicy } from '../../core/iam-policy';
import { isRecord, Json } from '../../core/json';
import { epochSeconds } from '../../core/naming';
import { AwsError, CloudContext, Input, Operation } from '../../core/service';

/** A repository's resource policy and its lifecycle policy. Lifecycle rules are kept and not carried out. */
export function policyOperations(context: CloudContext, store: EcrStore): Record<string, Operation> {
  const operation = (
    name: string,
    members: readonly string[],
    act: (repository: Repository, fields: Fields) => object,
  ): Operation => ({
    permissions: onRepository(store, `ecr:${name}`),
    handle: (input: Input) => {
      const fields = fieldsOf(input).only('registryId', 'repositoryName', ...members);
      checkRegistry(fields, context.account);
      const repository = store.get(repositoryName(fields));
      return { registryId: context.account, repositoryName: repository.name, ...act(repository, fields) };
    },
  });
  return {
    SetRepositoryPolicy: operation('SetRepositoryPolicy', ['policyText', 'force'], (repository, fields) => {
      repository.policy = parseRepositoryPolicy(fields, repository);
      return { policyText: JSON.stringify(repository.policy) };
    }),
    GetRepositoryPolicy: operation('GetRepositoryPolicy', [], repository => ({
      policyText: JSON.stringify(policyOf(context, repository)),
    })),
    DeleteRepositoryPolicy: operation('DeleteRepositoryPolicy', [], repository => {
      const policyText = JSON.stringify(policyOf(context, repository));
      repository.policy = undefined;
      return { policyText };
    }),
    PutLifecyclePolicy: operation('PutLifecyclePolicy', ['lifecyclePolicyText'], (repository, fields) => {
      const text = parseLifecycle(fields);
      repository.lifecycle = { text, evaluatedAt: context.clock.now() };
      return { lifecyclePolicyText: text };
    }),
    GetLifecyclePolicy: operation('GetLifecyclePolicy', [], repository => lifecycleOf(context, repository)),
    DeleteLifecyclePolicy: operation('DeleteLifecyclePolicy', [], repository => {
      const answer = lifecycleOf(context, repository);
      repository.lifecycle = undefined;
      return answer;
    }),
  };
}

function policyOf(context: CloudContext, { name, policy }: Repository): object {
  if (policy) {
    return policy;
  }
  throw new AwsError(
    'RepositoryPolicyNotFoundException',
    `Repository policy does not exist for the repository with name '${name}' in the registry with `
      + `id '${context.account}'`,
  );
}

function lifecycleOf(context: CloudContext, { name, lifecycle }: Repository): object {
  if (lifecycle) {
    return { lifecyclePolicyText: lifecycle.text, lastEvaluatedAt: epochSeconds(lifecycle.evaluatedAt) };
  }
  throw new AwsError(
    'LifecyclePolicyNotFoundException',
    `Lifecycle policy does not exist for the repository with name '${name}' in the registry with `
      + `id '${context.account}'`,
  );
}

/**
 * A repository policy names no resource: it is the repository.
 * @see https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html
 */
function parseRepositoryPolicy(fields: Fields, repository: Repository): object {
  const document = jsonOf(fields, 'policyText', 10_240);
  try {
    const statements = parsePolicy(document, { kind: 'resource', holder: repository.arn, policy: 'resource policy' });
    if (statements.some(({ resources, notResources }) => resources ?? notResources)) {
      throw new Error('it must not have a Resource');
    }
  } catch (error) {
    throw fields.fail(
      'policyText',
      `is an invalid repository policy: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  return document;
}

/**
 * Enough to refuse what is no policy:
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
 */
function parseLifecycle(fields: Fields): string {
  const { rules } = jsonOf(fields, 'lifecyclePolicyText', 30_720);
  const list: readonly unknown[] = Array.isArray(rules) ? rules : [];
  if (list.length < 1 || list.length > 50) {
    throw fields.fail('lifecyclePolicyText', `must have 1-50 rules, got ${list.length}`);
  }
  const priorities = list.map(rule =>
    isRecord(rule) && isRecord(rule.selection) && isRecord(rule.action) ? rule.rulePriority : undefined,
  );
  if (priorities.some(priority => !Number.isInteger(priority)) || new Set(priorities).size < priorities.length) {
    throw fields.fail(
      'lifecyclePolicyText',
      'must have rules of a selection, an action and a rulePriority of their own',
    );
  }
  return fields.text('lifecyclePolicyText');
}

function jsonOf(fields: Fields, member: string, most: number): Json {
  const text = fields.text(member);
  if (text.length > most) {
    throw fields.fail(member, `must have at most ${most} characters, got ${text.length}`);
  }
  try {
    const document: unknown = JSON.parse(text);
    if (isRecord(document)) {
      return document;
    }
  } catch (error) {
    throw fields.fail(member, `is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  throw fields.fail(member, 'must be a JSON object');
}
