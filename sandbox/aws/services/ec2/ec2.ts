import type { CoreContext } from '../../core/context';
import { randomText } from '../../core/naming';
import type { Resource, ResourceProvider, ServiceModule } from '../../core/service';

/**
 * Types of a network, the beginning of their ids, and the attributes that `Fn::GetAtt` gives; the id itself is always
 * one.
 */
const TYPES: Readonly<Record<string, { readonly prefix: string; readonly attributes: readonly string[] }>> = {
  EIP: { prefix: 'eipalloc', attributes: ['AllocationId'] },
  InternetGateway: { prefix: 'igw', attributes: ['InternetGatewayId'] },
  NatGateway: { prefix: 'nat', attributes: ['NatGatewayId'] },
  Route: { prefix: 'route', attributes: [] },
  RouteTable: { prefix: 'rtb', attributes: ['RouteTableId'] },
  SecurityGroup: { prefix: 'sg', attributes: ['GroupId', 'Id'] },
  SecurityGroupEgress: { prefix: 'sgr', attributes: ['Id'] },
  SecurityGroupIngress: { prefix: 'sgr', attributes: ['Id'] },
  Subnet: { prefix: 'subnet', attributes: ['SubnetId'] },
  SubnetRouteTableAssociation: { prefix: 'rtbassoc', attributes: ['Id'] },
  VPC: { prefix: 'vpc', attributes: ['VpcId', 'DefaultSecurityGroup'] },
  VPCEndpoint: { prefix: 'vpce', attributes: ['Id'] },
  VPCGatewayAttachment: { prefix: 'vpcattach', attributes: [] },
};

/** A template's network has ids and nothing else: no packet is filtered here, and no address is private. */
export function createEc2(context: CoreContext): ServiceModule {
  return { providers: [networkProvider(context)] };
}

function networkProvider(context: CoreContext): ResourceProvider {
  const create = (type = ''): Resource => {
    const name = type.slice('AWS::EC2::'.length);
    const known = TYPES[name];
    if (!known) {
      throw new Error(`the local cloud doesn't know the type ${type}; add it in sandbox/aws/services/ec2/ec2.ts`);
    }
    const physicalId = `${known.prefix}-0${randomText(context.random, 16, '0123456789abcdef')}`;
    return { physicalId, attributes: Object.fromEntries(known.attributes.map(attribute => [attribute, physicalId])) };
  };
  return {
    type: 'AWS::EC2::*',
    properties: ['*'],
    create: request => create(request.type),
    update: (_, previous) => previous,
  };
}
