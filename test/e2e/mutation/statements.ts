import { Json, list, record, strings } from '../../../sandbox/aws/core/json';
import { getIn, Mutate, removeResource, setIn, Template } from '../../../sandbox/world/template';

/** One way to make the template grant less than it does. */
export interface Mutation {
  /** Logical id of the role, or of the resource that carries the policy, without CDK's hash. */
  readonly holder: string;
  /** Which statement, and what it says, for people. */
  readonly statement: string;
  /** The actions that are no longer allowed afterwards: one of them has to be refused. */
  readonly actions: readonly string[];
  readonly apply: Mutate;
}

/** Where statements of one document are. */
interface Document {
  readonly resource: string;
  readonly holder: string;
  /** Keys from the resource's properties to the list of statements; a number is an index. */
  readonly path: readonly string[];
  readonly statements: readonly Json[];
  /** Takes the whole document away: a policy without statements is malformed. */
  readonly drop: Mutate;
}

/** Every removal of one statement: identity policies, trust policies and permissions of functions. */
export function statementRemovals(template: Template): Mutation[] {
  return [
    ...identityDocuments(template).flatMap(document => document.statements.map((statement, at): Mutation => ({
      holder: document.holder,
      statement: `[${at}] ${describe(statement)}`,
      actions: actionsOf(statement),
      apply: document.statements.length === 1 ? document.drop
        : target => replace(target, document, document.statements.filter((_, index) => index !== at)),
    }))),
    ...trustChanges(template),
    ...permissionRemovals(template),
  ];
}

/** Every removal of one action from a statement of several. */
export function actionRemovals(template: Template): Mutation[] {
  return identityDocuments(template).flatMap(document => document.statements.flatMap((statement, at) => {
    const actions = actionsOf(statement);
    if (actions.length < 2) { return []; }
    return actions.map((action): Mutation => ({
      holder: document.holder,
      statement: `[${at}] ${describe(statement)}`,
      actions: [action],
      apply: target => replace(target, document, document.statements.map((other, index) =>
        index === at ? { ...other, Action: actions.filter(each => each !== action) } : other)),
    }));
  }));
}

/** Changes one statement of an identity policy. @param prefix how the logical id of the policy begins */
export function changeStatement(
  template: Template,
  prefix: string,
  at: number,
  change: (statement: Json) => Json,
): void {
  const document = identityDocuments(template).find(({ resource }) => resource.startsWith(prefix));
  if (!document?.statements[at]) {
    throw new Error(`no policy whose id begins with "${prefix}" has a statement ${at}`);
  }
  replace(template, document, document.statements.map((statement, index) => index === at
    ? change(statement)
    : statement));
}

/** Policies attached to roles, and those inline in roles. */
function identityDocuments(template: Template): Document[] {
  return Object.entries(template.Resources).flatMap(([id, { Type: type, Properties: properties }]): Document[] => {
    if (type === 'AWS::IAM::Policy') {
      return [{
        resource: id,
        holder: shortName(roleOf(properties)),
        path: ['PolicyDocument'],
        statements: statementsOf(properties.PolicyDocument),
        drop: target => removeResource(target, id),
      }];
    }
    if (type === 'AWS::IAM::ManagedPolicy') {
      throw new Error(`${id}: managed policies are not mutated yet; add them in test/e2e/mutation/statements.ts`);
    }
    if (type !== 'AWS::IAM::Role') { return []; }
    if (properties.ManagedPolicyArns !== undefined) {
      throw new Error(`${id}: AWS's own policies can't be mutated statement by statement; `
        + 'the roles of the mirror have none');
    }
    return list(properties.Policies ?? [], 'Policies').map((policy, at): Document => ({
      resource: id,
      holder: shortName(id),
      path: ['Policies', String(at), 'PolicyDocument'],
      statements: statementsOf(record(policy, 'Policies').PolicyDocument),
      drop: target => setIn(
        target.Resources[id].Properties,
        ['Policies'],
        list(properties.Policies, 'Policies').filter((_, index) => index !== at),
      ),
    }));
  });
}

/** A role without trust policy is no role: the statement is left for a service that nobody runs here. */
function trustChanges(template: Template): Mutation[] {
  return Object.entries(template.Resources)
    .filter(([, { Type }]) => Type === 'AWS::IAM::Role')
    .flatMap(([id, { Properties }]) => {
      const statements = statementsOf(Properties.AssumeRolePolicyDocument);
      return statements.map((statement, at): Mutation => ({
        holder: shortName(id),
        statement: `trust[${at}] ${JSON.stringify(getIn(statement, ['Principal', 'Service']))}`,
        actions: ['sts:AssumeRole'],
        apply: target => setIn(target.Resources[id].Properties, ['AssumeRolePolicyDocument', 'Statement'],
          statements.map((other, index) => index === at
            ? { ...other, Principal: { Service: 'ec2.amazonaws.com' } }
            : other)),
      }));
    });
}

function permissionRemovals(template: Template): Mutation[] {
  return Object.entries(template.Resources)
    .filter(([, { Type }]) => Type === 'AWS::Lambda::Permission')
    .map(([id, { Properties }]): Mutation => ({
      holder: shortName(id),
      statement: `permission ${JSON.stringify(Properties.Principal)} ${String(Properties.Action)}`,
      actions: [String(Properties.Action)],
      apply: target => removeResource(target, id),
    }));
}

function replace(template: Template, { resource, path }: Document, statements: readonly Json[]): void {
  const { Properties } = template.Resources[resource];
  if (path[0] === 'Policies') {
    const policies = list(Properties.Policies, 'Policies').map((policy, at) => String(at) !== path[1] ? policy
      : { ...record(policy, 'Policies'), PolicyDocument: { Version: '2012-10-17', Statement: statements } });
    setIn(Properties, ['Policies'], policies);
  } else {
    setIn(Properties, [...path, 'Statement'], statements);
  }
}

function statementsOf(document: unknown): readonly Json[] {
  const { Statement } = record(document, 'PolicyDocument');
  return (Array.isArray(Statement) ? Statement : [Statement])
    .map((statement: unknown) => record(statement, 'Statement'));
}

export function actionsOf(statement: Json): readonly string[] {
  return strings(statement.Action, 'Action');
}

/** The one role of an attached policy. */
function roleOf(properties: Json): string {
  const roles = list(properties.Roles, 'Roles').map(role => getIn(record(role, 'Roles'), ['Ref']));
  if (roles.length !== 1 || typeof roles[0] !== 'string') {
    throw new Error(`expected a policy of one role of the template, got ${JSON.stringify(properties.Roles)}`);
  }
  return roles[0];
}

function describe(statement: Json): string {
  const actions = actionsOf(statement);
  return actions.length > 2 ? `${actions[0]} + ${actions.length - 1}` : actions.join(', ');
}

/** A logical id without the eight characters that CDK appends. */
export function shortName(id: string): string {
  return id.replace(/[0-9A-F]{8}$/, '');
}

