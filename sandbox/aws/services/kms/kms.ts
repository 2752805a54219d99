import { CoreContext } from '../../core/context';
import { parsePolicy } from '../../core/iam-policy';
import { optionalString, string } from '../../core/json';
import { randomUuid } from '../../core/naming';
import { Resource, ResourceProvider, ResourceRequest, ServiceModule } from '../../core/service';

export interface Kms extends ServiceModule {
  /** Policy of a key's ARN. */
  readonly policies: ReadonlyMap<string, object>;
}

/**
 * Keys of the template: each has an ARN and a policy, which decides beside the caller's own policies when a service
 * asks for
 * `kms:Decrypt` and the like. Nothing is encrypted, and there is no API: no program here calls KMS itself.
 */
export function createKms(context: CoreContext): Kms {
  const policies = new Map<string, object>();
  return {
    policies,
    service: { name: 'kms', operations: {}, resourcePolicy: arn => policies.get(arn) },
    providers: [keyProvider(context, policies), aliasProvider()],
  };
}

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kms-key.html */
function keyProvider(context: CoreContext, policies: Map<string, object>): ResourceProvider {
  const put = (request: ResourceRequest, keyId: string): Resource => {
    const arn = `arn:${context.partition}:kms:${context.region}:${context.account}:key/${keyId}`;
    const document = request.properties.KeyPolicy ?? defaultPolicy(context);
    parsePolicy(document, { kind: 'resource', holder: request.logicalId, policy: 'KeyPolicy' });
    policies.set(arn, { ...document });
    return { physicalId: keyId, attributes: { Arn: arn, KeyId: keyId } };
  };
  return {
    type: 'AWS::KMS::Key',
    properties: [
      'Description',
      'Enabled',
      'EnableKeyRotation',
      'KeyPolicy',
      'KeySpec',
      'KeyUsage',
      'MultiRegion',
      'PendingWindowInDays',
      'RotationPeriodInDays',
      'Tags',
    ],
    create: request => put(request, randomUuid(context.random)),
    update: (request, previous) => put(request, previous.physicalId),
    delete: resource => {
      policies.delete(resource.attributes.Arn ?? '');
    },
  };
}

/**
 * What KMS gives a key without a policy: https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
 */
function defaultPolicy({ account, partition }: CoreContext): object {
  const statement = {
    Effect: 'Allow',
    Principal: { AWS: `arn:${partition}:iam::${account}:root` },
    Action: 'kms:*',
    Resource: '*',
  };
  return { Version: '2012-10-17', Statement: [statement] };
}

function aliasProvider(): ResourceProvider {
  const put = ({ logicalId, properties }: ResourceRequest): Resource => {
    const name = string(properties.AliasName, 'AliasName');
    if (!/^alias\/(?!aws\/)[A-Za-z0-9/_-]{1,250}$/.test(name)) {
      throw new Error(`AWS::KMS::Alias '${logicalId}': AliasName is '${name}'`);
    }
    optionalString(properties.TargetKeyId, 'TargetKeyId');
    return { physicalId: name, attributes: {} };
  };
  return { type: 'AWS::KMS::Alias', properties: ['AliasName', 'TargetKeyId'], create: put, update: put };
}
