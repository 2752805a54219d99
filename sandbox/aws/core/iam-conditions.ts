import { arnMatches, wildcard } from './iam-match';

/**
 * Condition keys of a request, lower-cased; an empty list is a key that exists in the model but not in this request.
 * A key that ends in `/` is a family: `ecr:resourcetag/` makes every `ecr:ResourceTag/KEY` known.
 */
export type RequestContext = ReadonlyMap<string, readonly string[]>;

export interface Condition {
  readonly operator: string;
  readonly key: string;
  readonly values: readonly string[];
}

/** A policy that uses what this evaluator doesn't model. It is an error, never an allow and never a deny. */
export class UnsupportedPolicyError extends Error {
  constructor(message: string) {
    super(`${message}; add it in sandbox/aws/core/iam*.ts`);
    this.name = 'UnsupportedPolicyError';
  }
}

type Test = (requested: string, policy: string) => boolean;

interface Operator {
  readonly test: Test;
  /** `StringNotEquals` and its like are true when no value matches. */
  readonly negated?: boolean;
}

const stringEquals: Test = (requested, policy) => requested === policy;
const ignoringCase: Test = (requested, policy) => requested.toLowerCase() === policy.toLowerCase();
const like: Test = (requested, policy) => wildcard(policy, requested);
const arn: Test = (requested, policy) => arnMatches(policy, requested);
const compare = (accepts: (requested: number, policy: number) => boolean): Operator => ({
  test: (requested, policy) => accepts(numeric(requested), numeric(policy)),
});

const OPERATORS: Readonly<Record<string, Operator>> = {
  StringEquals: { test: stringEquals },
  StringNotEquals: { test: stringEquals, negated: true },
  StringEqualsIgnoreCase: { test: ignoringCase },
  StringNotEqualsIgnoreCase: { test: ignoringCase, negated: true },
  StringLike: { test: like },
  StringNotLike: { test: like, negated: true },
  // ArnEquals and ArnLike behave identically:
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
  ArnEquals: { test: arn },
  ArnLike: { test: arn },
  ArnNotEquals: { test: arn, negated: true },
  ArnNotLike: { test: arn, negated: true },
  Bool: { test: ignoringCase },
  NumericEquals: compare((requested, policy) => requested === policy),
  NumericNotEquals: { ...compare((requested, policy) => requested === policy), negated: true },
  NumericLessThan: compare((requested, policy) => requested < policy),
  NumericLessThanEquals: compare((requested, policy) => requested <= policy),
  NumericGreaterThan: compare((requested, policy) => requested > policy),
  NumericGreaterThanEquals: compare((requested, policy) => requested >= policy),
};

interface Operation {
  readonly set?: 'ForAllValues' | 'ForAnyValue';
  readonly ifExists: boolean;
  readonly name: string;
}

/** @throws {UnsupportedPolicyError} for an operator that isn't modelled */
export function parseOperator(text: string): Operation {
  const [, set, rest = ''] = /^(?:(ForAllValues|ForAnyValue):)?(.*)$/.exec(text) ?? [];
  const ifExists = rest.endsWith('IfExists');
  const name = ifExists ? rest.slice(0, -'IfExists'.length) : rest;
  if (!(name in OPERATORS) && !(name === 'Null' && !ifExists)) {
    throw new UnsupportedPolicyError(`condition operator '${text}' isn't modelled`);
  }
  return { name, ifExists, ...(set === 'ForAllValues' || set === 'ForAnyValue' ? { set } : {}) };
}

export function conditionHolds(condition: Condition, context: RequestContext): boolean {
  const operation = parseOperator(condition.operator);
  const requested = valuesOf(condition.key.toLowerCase(), context);
  if (requested === undefined) { throw new UnsupportedPolicyError(`condition key '${condition.key}' isn't modelled`); }
  if (operation.name === 'Null') {
    return condition.values.some(value => ignoringCase(String(requested.length === 0), value));
  }
  const operator = OPERATORS[operation.name];
  if (!operator) { throw new UnsupportedPolicyError(`condition operator '${condition.operator}' isn't modelled`); }
  if (requested.length === 0) {
    return operation.ifExists
      || operation.set === 'ForAllValues'
      || (operator.negated === true && operation.set === undefined);
  }
  if (requested.length > 1 && operation.set === undefined) {
    throw new UnsupportedPolicyError(`condition key '${condition.key}' has several values here and `
      + `'${condition.operator}' no ForAllValues or ForAnyValue`);
  }
  const accepts = (value: string): boolean =>
    condition.values.some(policy => operator.test(value, policy)) !== (operator.negated ?? false);
  return operation.set === 'ForAnyValue' ? requested.some(accepts) : requested.every(accepts);
}

function valuesOf(key: string, context: RequestContext): readonly string[] | undefined {
  return context.get(key) ?? context.get(key.slice(0, key.indexOf('/') + 1));
}

function numeric(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) {
    throw new UnsupportedPolicyError(`numeric condition with the value '${text}'`);
  }
  return value;
}
