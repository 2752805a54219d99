import { conditionHolds, RequestContext, UnsupportedPolicyError } from './iam-conditions';
import { actionMatches, arnMatches, specificity } from './iam-match';
import { PrincipalElement, Statement } from './iam-policy';

export interface AccessRequest {
  readonly action: string;
  readonly resource: string;
  readonly context: RequestContext;
  readonly principal: RequestPrincipal;
}

export interface RequestPrincipal {
  readonly account: string;
  /** Not of the account that is asked: a policy that names its account grants. */
  readonly isForeign: boolean;
  /** `arn:aws:iam::111122223333:role/Name` */
  readonly roleArn?: string;
  /** `arn:aws:sts::111122223333:assumed-role/Name/Session` */
  readonly sessionArn: string;
  /** `lambda.amazonaws.com` */
  readonly service?: string;
}

/** A statement that matched, with the very patterns that did. */
export interface Match {
  readonly statement: Statement;
  readonly action: string;
  readonly resource: string;
}

export interface Decision {
  readonly effect: 'allow' | 'explicit deny' | 'implicit deny';
  /** The narrowest statement that decided; undefined for an implicit deny. */
  readonly match?: Match;
}

/** Decides over one set of statements: an explicit deny wins, then any allow, else nobody allowed it. */
export function evaluate(statements: readonly Statement[], request: AccessRequest): Decision {
  const matches = statements.flatMap(statement => match(statement, request) ?? []);
  const denied = matches.find(candidate => candidate.statement.effect === 'Deny');
  if (denied) { return { effect: 'explicit deny', match: denied }; }
  const allowed = matches.filter(candidate => grants(candidate.statement, request)).reduce<Match | undefined>(
    narrower,
    undefined,
  );
  return allowed ? { effect: 'allow', match: allowed } : { effect: 'implicit deny' };
}

/**
 * A grant is credited to the narrowest statement that gives it: a `*` that somebody adds
 * beside it then shows up as unused.
 */
function narrower(best: Match | undefined, candidate: Match): Match {
  const width = (item: Match): number => specificity(item.action) + specificity(item.resource);
  return best && width(best) >= width(candidate) ? best : candidate;
}

function match(statement: Statement, request: AccessRequest): Match | undefined {
  const action = matchElement(statement.actions, statement.notActions, pattern => actionMatches(
    pattern,
    request.action,
  ));
  if (action === undefined) { return undefined; }
  const fits = (pattern: string): boolean => arnMatches(expand(pattern, request.context), request.resource);
  const resource = matchElement(statement.resources, statement.notResources, fits);
  // A trust policy's resource is the role that carries it.
  if (resource === undefined && (statement.resources ?? statement.notResources)) { return undefined; }
  if (statement.principal && !principalMatches(statement.principal, request.principal)) { return undefined; }
  const conditions = statement.conditions.map(condition => ({
    ...condition,
    values: condition.values.map(value => expand(value, request.context)),
  }));
  if (!conditions.every(condition => conditionHolds(condition, request.context))) { return undefined; }
  return { statement, action, resource: resource ?? '' };
}

/** The narrowest pattern that matches; `*` when it is by not being excluded. */
function matchElement(
  patterns: readonly string[] | undefined, excluded: readonly string[] | undefined, test: (pattern: string) => boolean,
): string | undefined {
  if (patterns) { return patterns.filter(test).sort((a, b) => specificity(b) - specificity(a))[0]; }
  if (excluded) { return excluded.some(test) ? undefined : '*'; }
  return undefined;
}

function principalMatches(element: PrincipalElement, principal: RequestPrincipal): boolean {
  if (principal.service !== undefined) { return element.any || element.services.includes(principal.service); }
  const names = [principal.roleArn, principal.sessionArn];
  return element.any || element.aws.some(name => namesAccount(name, principal.account) || names.includes(name));
}

/**
 * Naming the account delegates to its identity policies and grants nothing to a role by itself (but denies do strike):
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-accounts
 */
function grants(statement: Statement, request: AccessRequest): boolean {
  if (statement.effect !== 'Allow') { return false; }
  const { principal } = statement;
  const { isForeign, service, roleArn } = request.principal;
  if (!principal || principal.any || isForeign || service !== undefined || roleArn === undefined) { return true; }
  return principal.aws.some(name => name === request.principal.roleArn || name === request.principal.sessionArn);
}

function namesAccount(name: string, account: string): boolean {
  return name === account || (/^arn:[^:]+:iam::(\d+):root$/.exec(name) ?? [])[1] === account;
}

/**
 * Policy variables: `${aws:PrincipalAccount}` from the request, `${*}` as the character itself is
 * refused (nobody here needs it).
 */
function expand(text: string, context: RequestContext): string {
  return text.replace(/\$\{([^}]*)\}/g, (_, name: string) => {
    const values = context.get(name.toLowerCase());
    if (values?.length !== 1) {
      throw new UnsupportedPolicyError(`policy variable '\${${name}}' has no single value here`);
    }
    return values[0] ?? '';
  });
}
