import { Condition, parseOperator, UnsupportedPolicyError } from './iam-conditions';
import { isRecord, Json, record, string, strings } from './json';

/** Where a statement stands; what reports name. */
export interface StatementSource {
  /** `identity` (role), `trust` (who may assume it), `resource` (queue, function, secret ...). */
  readonly kind: 'identity' | 'trust' | 'resource';
  /** Logical id (or ARN) of the role or resource that carries the policy. */
  readonly holder: string;
  readonly policy: string;
}

export interface PrincipalElement {
  readonly any: boolean;
  readonly aws: readonly string[];
  readonly services: readonly string[];
}

export interface Statement extends StatementSource {
  readonly index: number;
  readonly sid?: string;
  readonly effect: 'Allow' | 'Deny';
  readonly actions?: readonly string[];
  readonly notActions?: readonly string[];
  readonly resources?: readonly string[];
  readonly notResources?: readonly string[];
  readonly principal?: PrincipalElement;
  readonly conditions: readonly Condition[];
}

const ELEMENTS = ['Sid', 'Effect', 'Action', 'NotAction', 'Resource', 'NotResource', 'Principal', 'Condition'];

/** @throws {UnsupportedPolicyError} for anything that the evaluator doesn't model */
export function parsePolicy(document: unknown, source: StatementSource): readonly Statement[] {
  const where = `${source.holder}/${source.policy}`;
  const policy = record(document, where);
  const unknown = Object.keys(policy).filter(key => !['Version', 'Id', 'Statement'].includes(key));
  if (unknown.length > 0) {
    throw new UnsupportedPolicyError(`${where}: policy element '${unknown.join('\', \'')}' isn't modelled`);
  }
  // The older version, which Lambda and ECR's console still write, reads `${...}` literally; nobody should write that
  // today.
  const older = policy.Version === '2008-10-17' && !JSON.stringify(policy).includes('${');
  if (policy.Version !== '2012-10-17' && !older) {
    throw new UnsupportedPolicyError(`${where}: policy version '${String(policy.Version)}' isn't `
      + 'modelled (2012-10-17 is)');
  }
  const statements = Array.isArray(policy.Statement) ? policy.Statement : [policy.Statement];
  return statements.map((statement, index) =>
    parseStatement(record(statement, `${where}[${index}]`), source, index, `${where}[${index}]`));
}

function parseStatement(value: Json, source: StatementSource, index: number, where: string): Statement {
  const unknown = Object.keys(value).filter(key => !ELEMENTS.includes(key));
  if (unknown.length > 0) {
    throw new UnsupportedPolicyError(`${where}: statement element '${unknown.join('\', \'')}' isn't modelled`);
  }
  const one = (key: string): readonly string[] | undefined => value[key] === undefined
    ? undefined
    : strings(value[key], `${where}.${key}`);
  const statement = {
    ...source,
    index,
    ...(value.Sid === undefined ? {} : { sid: string(value.Sid, `${where}.Sid`) }),
    effect: effect(value.Effect, where),
    actions: one('Action'),
    notActions: one('NotAction'),
    resources: one('Resource'),
    notResources: one('NotResource'),
    principal: value.Principal === undefined ? undefined : parsePrincipal(value.Principal, `${where}.Principal`),
    conditions: parseConditions(value.Condition, `${where}.Condition`),
  };
  validate(statement, where);
  return statement;
}

/** The rules by which IAM itself refuses a document (MalformedPolicyDocument). */
function validate(statement: Statement, where: string): void {
  const fail = (message: string): never => { throw new Error(`MalformedPolicyDocument: ${where}: ${message}`); };
  if ((statement.actions === undefined) === (statement.notActions === undefined)) {
    fail('expected either Action or NotAction');
  }
  if (statement.kind === 'identity' && (statement.resources === undefined) === (statement.notResources === undefined)) {
    fail('expected either Resource or NotResource');
  }
  if (statement.kind === 'identity' && statement.principal) { fail('an identity policy has no Principal'); }
  if (statement.kind !== 'identity' && !statement.principal) { fail('a resource policy needs a Principal'); }
  if (statement.kind === 'trust' && (statement.resources ?? statement.notResources)) {
    fail('a trust policy has no Resource');
  }
  if (statement.actions?.length === 0 || statement.resources?.length === 0) { fail('empty list'); }
}

function effect(value: unknown, where: string): 'Allow' | 'Deny' {
  if (value !== 'Allow' && value !== 'Deny') {
    throw new Error(`MalformedPolicyDocument: ${where}.Effect: got ${String(value)}, expected Allow or Deny`);
  }
  return value;
}

function parsePrincipal(value: unknown, where: string): PrincipalElement {
  if (value === '*') { return { any: true, aws: [], services: [] }; }
  const body = record(value, where);
  const unknown = Object.keys(body).filter(key => key !== 'AWS' && key !== 'Service');
  if (unknown.length > 0) {
    throw new UnsupportedPolicyError(`${where}: principal type '${unknown.join('\', \'')}' isn't modelled`);
  }
  const aws = body.AWS === undefined ? [] : strings(body.AWS, where);
  return {
    any: aws.includes('*'),
    aws: aws.filter(item => item !== '*'),
    services: body.Service === undefined ? [] : strings(body.Service, where),
  };
}

function parseConditions(value: unknown, where: string): readonly Condition[] {
  if (value === undefined) { return []; }
  return Object.entries(record(value, where)).flatMap(([operator, keys]) => {
    parseOperator(operator);
    return Object.entries(record(keys, `${where}.${operator}`))
      .map(([key, wanted]) => ({ operator, key, values: conditionValues(wanted, `${where}.${operator}.${key}`) }));
  });
}

function conditionValues(value: unknown, where: string): readonly string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.map(item => {
    if (isRecord(item) || item === null || item === undefined) { throw new Error(`${where}: expected a scalar`); }
    return String(item);
  });
}
