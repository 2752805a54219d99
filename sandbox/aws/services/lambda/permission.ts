import { optionalString, string } from '../../core/json';
import { ResourceProvider } from '../../core/service';

/** Function name -> logical id -> statement of its resource policy. */
export type FunctionPermissions = Map<string, Map<string, object>>;

/** AWS::Lambda::Permission: one statement of the function's resource policy. */
export function permissionProvider(
  permissions: FunctionPermissions,
  functionName: (reference: string) => string,
): ResourceProvider {
  return {
    type: 'AWS::Lambda::Permission',
    properties: ['Action', 'FunctionName', 'Principal', 'SourceArn', 'SourceAccount'],
    create: request => {
      const { properties, logicalId } = request;
      const name = functionName(string(properties.FunctionName, 'FunctionName'));
      const statements = permissions.get(name) ?? new Map<string, object>();
      statements.set(logicalId, statement(logicalId, properties));
      permissions.set(name, statements);
      return { physicalId: `${name}-${logicalId}`, attributes: {} };
    },
    delete: (_, request) => {
      permissions.get(functionName(string(request.properties.FunctionName, 'FunctionName')))?.delete(request.logicalId);
    },
  };
}

function statement(sid: string, properties: Readonly<Record<string, unknown>>): object {
  const principal = string(properties.Principal, 'Principal');
  const sourceArn = optionalString(properties.SourceArn, 'SourceArn');
  const sourceAccount = optionalString(properties.SourceAccount, 'SourceAccount');
  return {
    Sid: sid,
    Effect: 'Allow',
    Principal: /\.amazonaws\.com(\.cn)?$/.test(principal) ? { Service: principal } : { AWS: principal },
    Action: string(properties.Action, 'Action'),
    // The statement stands in the policy of one function.
    Resource: '*',
    Condition: {
      ...(sourceArn === undefined ? {} : { ArnLike: { 'aws:SourceArn': sourceArn } }),
      ...(sourceAccount === undefined ? {} : { StringEquals: { 'aws:SourceAccount': sourceAccount } }),
    },
  };
}
