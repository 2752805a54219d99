import { MANAGED_POLICIES } from './managed-policies';
import { CoreContext } from '../../core/context';
import { Iam, Role } from '../../core/iam';
import { parsePolicy } from '../../core/iam-policy';
import { list, optionalString, record, string, strings } from '../../core/json';
import { physicalName, randomText } from '../../core/naming';
import { AwsError, Resource, ResourceProvider, ResourceRequest, ServiceModule } from '../../core/service';

type Properties = Record<string, unknown>;

/** Roles and policies of the template. There is no IAM API: no program here calls one. */
export function createIam(context: CoreContext, iam: Iam): ServiceModule {
  const managed = new Map<string, unknown>();
  return {
    providers: [
      roleProvider(context, iam, managed),
      policyProvider(context, iam),
      managedPolicyProvider(context, iam, managed),
    ],
  };
}

function roleProvider(context: CoreContext, iam: Iam, managed: ReadonlyMap<string, unknown>): ResourceProvider {
  const arnOf = (name: string): string => `arn:${context.partition}:iam::${context.account}:role/${name}`;
  const configure = (role: Role, properties: Properties, previous: Properties): void => {
    iam.setTrust(role, properties.AssumeRolePolicyDocument);
    [...policies(context, previous, managed).keys()].forEach(name => iam.setPolicy(role, name, undefined));
    policies(context, properties, managed).forEach((document, name) => iam.setPolicy(role, name, document));
  };
  return {
    type: 'AWS::IAM::Role',
    properties: [
      'AssumeRolePolicyDocument', 'Policies', 'ManagedPolicyArns', 'RoleName', 'Description', 'MaxSessionDuration',
      'Path', 'Tags',
    ],
    create: request => {
      const { properties } = request;
      const name = optionalString(properties.RoleName, 'RoleName') ?? physicalName(context, request, 64);
      if (properties.Path !== undefined && properties.Path !== '/') {
        throw new Error(`${request.logicalId}: a role's Path isn't modelled; `
          + 'add it in sandbox/aws/services/iam/iam.ts');
      }
      const arn = arnOf(name);
      if (iam.roles.has(arn)) {
        throw new AwsError('EntityAlreadyExists', `Role with name ${name} already exists.`, 409);
      }
      const role: Role = { arn, name, logicalId: request.logicalId, trust: [], policies: new Map() };
      configure(role, properties, {});
      iam.roles.set(arn, role);
      return {
        physicalId: name,
        attributes: { Arn: arn, RoleId: `AROA${randomText(context.random, 17).toUpperCase()}` },
      };
    },
    update: (request, previous, previousProperties) => {
      configure(iam.role(previous.attributes.Arn ?? ''), request.properties, previousProperties);
      return previous;
    },
    delete: resource => { iam.roles.delete(resource.attributes.Arn ?? ''); },
  };
}

/** Inline and attached policies of a role's properties, by name. */
function policies(
  context: CoreContext,
  properties: Properties,
  managed: ReadonlyMap<string, unknown>,
): ReadonlyMap<string, unknown> {
  const found = new Map<string, unknown>();
  for (const item of list(properties.Policies ?? [], 'Policies')) {
    const policy = record(item, 'Policies');
    found.set(string(policy.PolicyName, 'PolicyName'), policy.PolicyDocument);
  }
  for (const item of list(properties.ManagedPolicyArns ?? [], 'ManagedPolicyArns')) {
    const arn = string(item, 'ManagedPolicyArns');
    found.set(arn, managed.get(arn) ?? awsManaged(context, arn));
  }
  return found;
}

function awsManaged(context: CoreContext, arn: string): object {
  const prefix = `arn:${context.partition}:iam::aws:policy/`;
  const document = arn.startsWith(prefix) ? MANAGED_POLICIES[arn.slice(prefix.length)] : undefined;
  if (!document) {
    throw new AwsError(
      'NoSuchEntity',
      `Policy ${arn} isn't known; add its document in sandbox/aws/services/iam/managed-policies.ts`,
      404,
    );
  }
  return document;
}

function policyProvider(context: CoreContext, iam: Iam): ResourceProvider {
  const roles = (properties: Properties): Role[] => {
    if (properties.Users !== undefined || properties.Groups !== undefined) {
      throw new Error('AWS::IAM::Policy of users or groups isn\'t modelled; add it in sandbox/aws/services/iam/iam.ts');
    }
    return strings(properties.Roles ?? [], 'Roles')
      .map(name => iam.role(`arn:${context.partition}:iam::${context.account}:role/${name}`));
  };
  const put = (properties: Properties, document: unknown): void =>
    roles(properties).forEach(role => iam.setPolicy(role, string(properties.PolicyName, 'PolicyName'), document));
  return {
    type: 'AWS::IAM::Policy',
    properties: ['PolicyDocument', 'PolicyName', 'Roles', 'Users', 'Groups'],
    create: request => {
      put(request.properties, request.properties.PolicyDocument);
      return { physicalId: string(request.properties.PolicyName, 'PolicyName'), attributes: {} };
    },
    update: (request, previous, previousProperties) => {
      put(previousProperties, undefined);
      put(request.properties, request.properties.PolicyDocument);
      return previous;
    },
    delete: (_, request) => put(request.properties, undefined),
  };
}

function managedPolicyProvider(context: CoreContext, iam: Iam, managed: Map<string, unknown>): ResourceProvider {
  const attach = (arn: string, properties: Properties, document: unknown): void => {
    parsePolicy(properties.PolicyDocument, { kind: 'identity', holder: arn, policy: arn });
    strings(properties.Roles ?? [], 'Roles').forEach(name =>
      iam.setPolicy(iam.role(`arn:${context.partition}:iam::${context.account}:role/${name}`), arn, document));
  };
  const create = (request: ResourceRequest): Resource => {
    const name = optionalString(request.properties.ManagedPolicyName, 'ManagedPolicyName')
      ?? physicalName(context, request, 128);
    const arn = `arn:${context.partition}:iam::${context.account}:policy/${name}`;
    managed.set(arn, request.properties.PolicyDocument);
    attach(arn, request.properties, request.properties.PolicyDocument);
    return { physicalId: arn, attributes: { PolicyArn: arn } };
  };
  return {
    type: 'AWS::IAM::ManagedPolicy',
    properties: ['PolicyDocument', 'ManagedPolicyName', 'Description', 'Path', 'Roles'],
    create,
    delete: (resource, request) => {
      attach(resource.physicalId, request.properties, undefined);
      managed.delete(resource.physicalId);
    },
  };
}
