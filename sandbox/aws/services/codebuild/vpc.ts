import type { Fields } from '../../core/fields';
import type { CloudContext, RequiredPermission } from '../../core/service';

/**
 * Where a build's network interface goes. No network is modelled: the ids are kept, and the role's permissions are
 * checked.
 */
export interface VpcConfig {
  readonly vpcId: string;
  readonly subnets: readonly string[];
  readonly securityGroupIds: readonly string[];
}

export function parseVpc(vpc: Fields | undefined): VpcConfig | undefined {
  if (!vpc) {
    return undefined;
  }
  vpc.only('VpcId', 'Subnets', 'SecurityGroupIds');
  return {
    vpcId: vpc.text('VpcId'),
    subnets: listOf(vpc, 'Subnets', 16),
    securityGroupIds: listOf(vpc, 'SecurityGroupIds', 5),
  };
}

/** https://docs.aws.amazon.com/codebuild/latest/APIReference/API_VpcConfig.html */
function listOf(vpc: Fields, name: string, most: number): readonly string[] {
  const ids = vpc.require(name, vpc.texts(name));
  if (ids.length < 1 || ids.length > most) {
    throw vpc.fail(name, `must have 1-${most} members, got ${ids.length}`);
  }
  return ids;
}

/**
 * What the project's role needs for a network interface, with the keys that the documented policy tests.
 * @see
 * https://docs.aws.amazon.com/codebuild/latest/userguide/auth-and-access-control-iam-identity-based-access-control.html
 */
export function vpcPermissions(context: CloudContext, { vpc }: { readonly vpc?: VpcConfig }): RequiredPermission[] {
  if (!vpc) {
    return [];
  }
  const { account, partition, region } = context;
  const subnetArns = vpc.subnets.map(subnet => `arn:${partition}:ec2:${region}:${account}:subnet/${subnet}`);
  return [
    ...ANYWHERE.map(action => ({ action: `ec2:${action}`, resource: '*' })),
    {
      action: 'ec2:CreateNetworkInterfacePermission',
      resource: `arn:${partition}:ec2:${region}:${account}:network-interface/eni-0123456789abcdef0`,
      context: { 'ec2:Subnet': subnetArns.slice(0, 1), 'ec2:AuthorizedService': 'codebuild.amazonaws.com' },
    },
  ];
}

const ANYWHERE = [
  'CreateNetworkInterface',
  'DescribeDhcpOptions',
  'DescribeNetworkInterfaces',
  'DeleteNetworkInterface',
  'DescribeSubnets',
  'DescribeSecurityGroups',
  'DescribeVpcs',
];
