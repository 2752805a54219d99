import { AccessRequest, Decision, evaluate } from './iam-evaluate';
import { Ledger } from './iam-ledger';
import { parsePolicy, Statement } from './iam-policy';
import { AwsError, Principal, RequiredPermission } from './service';

export interface Role {
  readonly arn: string;
  readonly name: string;
  readonly logicalId: string;
  trust: readonly Statement[];
  /** Policy name -> its statements. */
  readonly policies: Map<string, readonly Statement[]>;
}

export interface IamSettings {
  readonly account: string;
  readonly region: string;
  readonly partition: string;
  /**
   * What `aws:SecureTransport` says. Loopback stands for the TLS connections of a real deployment, so it is true;
   * false shows that policies which refuse plain HTTP do.
   * @default true
   */
  readonly secureTransport?: boolean;
  /** The resource policy of an ARN, asked of the service that keeps it. */
  resourcePolicy(arn: string): object | undefined;
}

const KEYS = [
  'aws:SourceArn',
  'aws:SourceAccount',
  'aws:PrincipalArn',
  'aws:PrincipalAccount',
  'aws:PrincipalServiceName',
];

/** Every role of the account, and the decision who may do what. */
export class Iam {
  public readonly roles = new Map<string, Role>();
  public readonly ledger = new Ledger();
  private readonly resourcePolicies = new Map<string, {
    readonly text: string;
    readonly statements: readonly Statement[];
  }>();

  constructor(private readonly settings: IamSettings) {}

  public role(arn: string): Role {
    const role = this.roles.get(arn);
    if (!role) {
      throw new AwsError('NoSuchEntity', `The role with name ${arn.split('/').pop() ?? arn} cannot be found.`, 404);
    }
    return role;
  }

  public setTrust(role: Role, document: unknown): void {
    role.trust.forEach(statement => this.ledger.forget(statement));
    role.trust = parsePolicy(document, { kind: 'trust', holder: role.logicalId, policy: 'AssumeRolePolicyDocument' });
    role.trust.forEach(statement => this.ledger.register(statement));
  }

  /** @param document undefined takes the policy away */
  public setPolicy(role: Role, name: string, document: unknown): void {
    role.policies.get(name)?.forEach(statement => this.ledger.forget(statement));
    role.policies.delete(name);
    if (document === undefined) { return; }
    const statements = parsePolicy(document, { kind: 'identity', holder: role.logicalId, policy: name });
    role.policies.set(name, statements);
    statements.forEach(statement => this.ledger.register(statement));
  }

  /** @throws {AwsError} AccessDenied, worded as AWS does */
  public authorize(caller: Principal, permission: RequiredPermission): void {
    const reason = this.refusal(caller, permission, true);
    if (reason === undefined) { return; }
    this.ledger.denied({
      principal: caller.arn,
      action: permission.action,
      resource: permission.resource,
      message: reason,
    });
    throw new AwsError('AccessDeniedException', reason, 400);
  }

  /** Like `authorize`, without leaving a trace: what a service checks in advance. */
  public isAllowed(caller: Principal, permission: RequiredPermission): boolean {
    return this.refusal(caller, permission, false) === undefined;
  }

  /** Lets a service take on a role: only the role's trust policy decides. */
  public assume(service: Principal, roleArn: string): void {
    const role = this.role(roleArn);
    const decision = evaluate(role.trust, this.request(service, { action: 'sts:AssumeRole', resource: roleArn }));
    if (decision.effect === 'allow' && decision.match) {
      this.ledger.allowed(service.arn, 'sts:AssumeRole', roleArn, decision.match);
      return;
    }
    const message = refusalText(
      service.arn,
      'sts:AssumeRole',
      roleArn,
      'because no resource-based policy allows the sts:AssumeRole action',
    );
    this.ledger.denied({ principal: service.arn, action: 'sts:AssumeRole', resource: roleArn, message });
    throw new AwsError('AccessDenied', message, 403);
  }

  private refusal(caller: Principal, permission: RequiredPermission, record: boolean): string | undefined {
    const request = this.request(caller, permission);
    const resource = evaluate(this.resourceStatements(permission.resource), request);
    const identity = this.identityDecision(caller, request);
    const { action } = permission;
    const text = (why: string): string => refusalText(caller.arn, action, permission.resource, why);
    if (identity.effect === 'explicit deny') { return text('with an explicit deny in an identity-based policy'); }
    if (resource.effect === 'explicit deny') { return text('with an explicit deny in a resource-based policy'); }
    // Within one account either side may allow:
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html Across accounts both
    // have to: .../IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
    const foreign = this.isForeign(caller);
    const allowing = (foreign ? [resource] : [identity, resource]).find(decision => decision.effect === 'allow');
    if (!allowing) {
      const kind = caller.service === undefined && !foreign ? 'identity' : 'resource';
      return text(`because no ${kind}-based policy allows the ${action} action`);
    }
    if (record && allowing.match) { this.ledger.allowed(caller.arn, action, permission.resource, allowing.match); }
    return undefined;
  }

  private isForeign({ account = this.settings.account }: Principal): boolean {
    return account !== this.settings.account;
  }

  private identityDecision(caller: Principal, request: AccessRequest): Decision {
    if (this.isForeign(caller)) { return { effect: 'allow' }; }
    if (caller.roleArn !== undefined) {
      return evaluate([...this.role(caller.roleArn).policies.values()].flat(), request);
    }
    // Neither role nor service: the account's administrator (tests, CloudFormation), who needs no policy.
    return { effect: caller.service === undefined ? 'allow' : 'implicit deny' };
  }

  private resourceStatements(arn: string): readonly Statement[] {
    const document = this.settings.resourcePolicy(arn);
    if (document === undefined) { return []; }
    const text = JSON.stringify(document);
    const known = this.resourcePolicies.get(arn);
    if (known?.text === text) { return known.statements; }
    const statements = parsePolicy(document, { kind: 'resource', holder: arn, policy: 'resource policy' });
    this.resourcePolicies.set(arn, { text, statements });
    // What AWS wrote itself is nobody's to tidy up.
    if (!String('Id' in document ? document.Id : '').startsWith('aws:')) {
      statements.forEach(statement => this.ledger.register(statement));
    }
    return statements;
  }

  private request(caller: Principal, permission: RequiredPermission): AccessRequest {
    const { account, region, secureTransport = true } = this.settings;
    const context = new Map<string, readonly string[]>(KEYS.map(key => [key.toLowerCase(), []]));
    const set = (key: string, ...values: readonly string[]): unknown => context.set(key.toLowerCase(), values);
    set('aws:SecureTransport', String(secureTransport));
    set('aws:RequestedRegion', region);
    set('aws:ResourceAccount', permission.resource.split(':')[4] || account);
    set('aws:PrincipalIsAWSService', String(caller.service !== undefined));
    if (caller.service === undefined) {
      set('aws:PrincipalArn', caller.roleArn ?? caller.arn);
      set('aws:PrincipalAccount', caller.account ?? account);
    } else {
      set('aws:PrincipalServiceName', caller.service);
      set('aws:SourceAccount', account);
    }
    if (caller.sourceArn !== undefined) { set('aws:SourceArn', caller.sourceArn); }
    Object.entries(permission.context ?? {})
      .forEach(([key, value]) => set(key, ...(typeof value === 'string' ? [value] : value)));
    const principal = {
      account: caller.account ?? account,
      isForeign: this.isForeign(caller),
      roleArn: caller.roleArn,
      sessionArn: caller.arn,
      service: caller.service,
    };
    return { action: permission.action, resource: permission.resource, context, principal };
  }
}

function refusalText(principal: string, action: string, resource: string, why: string): string {
  return `User: ${principal} is not authorized to perform: ${action} on resource: ${resource} ${why}`;
}
