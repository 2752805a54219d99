import { CoreContext } from '../../core/context';
import { onlyKeys, optionalRecord, strings } from '../../core/json';
import { AwsError, Principal } from '../../core/service';

/**
 * Where a function's network interfaces go. No network is modelled: the ids are kept, and the role's permissions are
 * checked.
 */
export interface VpcConfig {
  readonly subnetIds: readonly string[];
  readonly securityGroupIds: readonly string[];
}

export function parseVpc(value: unknown): VpcConfig | undefined {
  const vpc = optionalRecord(value, 'VpcConfig');
  onlyKeys(vpc, ['SubnetIds', 'SecurityGroupIds', 'Ipv6AllowedForDualStack'], 'VpcConfig', 'services/lambda/vpc.ts');
  const subnetIds = strings(vpc.SubnetIds ?? [], 'VpcConfig.SubnetIds');
  const securityGroupIds = strings(vpc.SecurityGroupIds ?? [], 'VpcConfig.SecurityGroupIds');
  if (subnetIds.length === 0 && securityGroupIds.length === 0) {
    return undefined;
  }
  if (subnetIds.length === 0 || securityGroupIds.length === 0) {
    throw new AwsError(
      'InvalidParameterValueException',
      'Both subnet ids and security group ids must be given to connect a function to a VPC',
    );
  }
  return { subnetIds, securityGroupIds };
}

/** https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions */
const ACTIONS = ['CreateNetworkInterface', 'DescribeNetworkInterfaces', 'DescribeSubnets', 'DeleteNetworkInterface'];

/** Lambda looks at the role before it accepts a function with a VPC. */
export function checkVpc(context: CoreContext, role: Principal, vpc: VpcConfig | undefined): void {
  for (const action of vpc ? ACTIONS : []) {
    try {
      context.authorize(role, [{ action: `ec2:${action}`, resource: '*' }]);
    } catch (error) {
      if (!(error instanceof AwsError)) {
        throw error;
      }
      const message = `The provided execution role does not have permissions to call ${action} on EC2`;
      throw new AwsError('InvalidParameterValueException', message);
    }
  }
}
