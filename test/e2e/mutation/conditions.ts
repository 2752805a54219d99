import { shortName } from './statements';
import type { LocalCloud } from '../../../sandbox/aws/cloud';
import { Condition, parseOperator, RequestContext } from '../../../sandbox/aws/core/iam-conditions';
import { AccessRequest, evaluate, RequestPrincipal } from '../../../sandbox/aws/core/iam-evaluate';
import { parsePolicy, Statement, StatementSource } from '../../../sandbox/aws/core/iam-policy';

/**
 * The statements that decide together: all policies of a role, its trust policy, or the policy of a queue, function or
 * secret.
 */
export interface PolicySet {
  readonly kind: StatementSource['kind'];
  /** Logical id without CDK's hash, or an ARN. */
  readonly holder: string;
  readonly statements: readonly Statement[];
}

/** One condition key of one statement. */
export interface ConditionKey {
  readonly set: PolicySet;
  readonly statement: Statement;
  readonly condition: Condition;
}

/** Everything that the deployed template says about who may do what. */
export function policySets(cloud: LocalCloud): PolicySet[] {
  const roles = [...cloud.iam.roles.values()].flatMap((role): PolicySet[] => [
    { kind: 'trust', holder: shortName(role.logicalId), statements: role.trust },
    { kind: 'identity', holder: shortName(role.logicalId), statements: [...role.policies.values()].flat() },
  ]);
  const { lambda, secretsManager, sqs } = cloud.services;
  const resources = [
    ...sqs.queues.all().map(({ arn, policy }) => [arn, policy] as const),
    ...[...lambda.functions.values()].map(({ arn }) => [arn, lambda.service.resourcePolicy?.(arn)] as const),
    ...secretsManager.secrets.all().map(({ arn, policy }) => [arn, policy] as const),
  ];
  return [
    ...roles,
    ...resources.flatMap(([arn, policy]): PolicySet[] =>
      policy === undefined
        ? []
        : [
          {
            kind: 'resource',
            holder: arn,
            statements: parsePolicy(policy, { kind: 'resource', holder: arn, policy: 'resource policy' }),
          },
        ],
    ),
  ];
}

export function conditionKeys(sets: readonly PolicySet[]): ConditionKey[] {
  return sets.flatMap(set =>
    set.statements.flatMap(statement => statement.conditions.map(condition => ({ set, statement, condition }))),
  );
}

export function nameOf({ set, statement, condition }: ConditionKey): string {
  const what = statement.actions ?? statement.notActions ?? [];
  const holder = set.holder.split(':').pop();
  return `${set.kind} ${holder} [${statement.index}] ${what.join(', ')}: ${condition.operator} ${condition.key}`;
}

/**
 * Whether taking the condition away changes a decision: the request that only this condition stops is refused with it,
 * and goes through
 * without it. A condition that another statement makes useless isn't noticed, and neither is one that a stand-in can't
 * violate.
 */
export function isNoticed({ set, statement, condition }: ConditionKey): boolean {
  const mutated = set.statements.map(other =>
    other !== statement ? other : { ...statement, conditions: statement.conditions.filter(each => each !== condition) },
  );
  return violations(set, statement, condition).some(
    request => evaluate(set.statements, request).effect !== evaluate(mutated, request).effect,
  );
}

/** Requests that fit the statement in everything but this condition. */
function violations(set: PolicySet, statement: Statement, condition: Condition): AccessRequest[] {
  const context = new Map<string, readonly string[]>(
    conditionKeys([set]).map(each => [each.condition.key.toLowerCase(), []]),
  );
  statement.conditions.forEach(each =>
    context.set(each.key.toLowerCase(), each === condition ? violating(each) : satisfying(each)),
  );
  const actions = (statement.actions ?? ['any:Action']).map(concrete);
  const resources = (statement.resources ?? ['*']).map(concrete);
  return actions.flatMap(action =>
    resources.map(resource => ({ action, resource, context, principal: principalOf(statement, context) })),
  );
}

function principalOf({ principal }: Statement, context: RequestContext): RequestPrincipal {
  const account = context.get('aws:principalaccount')?.[0] ?? '111122223333';
  const [role] = principal?.aws ?? [];
  return {
    account,
    isForeign: false,
    sessionArn: role ?? 'nobody',
    roleArn: role ?? 'nobody',
    service: principal?.services[0],
  };
}

const INTRUDER = 'intruder';

/** A value of the key with which the condition doesn't hold. */
export function violating({ operator, values }: Condition): readonly string[] {
  const { name, set } = parseOperator(operator);
  if (name === 'Null') {
    return values.includes('true') ? [INTRUDER] : [];
  }
  if (name === 'Bool') {
    return [String(!values.includes('true'))];
  }
  if (name.includes('Not')) {
    return [concrete(values[0])];
  }
  if (name.startsWith('Arn')) {
    return [`arn:aws:${INTRUDER}:eu-west-1:999999999999:${INTRUDER}`];
  }
  if (name.startsWith('String')) {
    return set === 'ForAllValues' ? [...values.map(concrete), INTRUDER] : [INTRUDER];
  }
  throw new Error(`no value violates ${operator}; add it in test/e2e/mutation/conditions.ts`);
}

/** A value of the key with which the condition holds. */
export function satisfying({ operator, values }: Condition): readonly string[] {
  const { name } = parseOperator(operator);
  if (name === 'Null') {
    return values.includes('true') ? [] : ['present'];
  }
  if (name.includes('Not')) {
    return [INTRUDER];
  }
  return [concrete(values[0])];
}

/** Something that the pattern matches. */
function concrete(pattern: string | undefined): string {
  return (pattern ?? '').replace(/[*?]/g, 'x');
}
