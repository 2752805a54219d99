import { generateSecretString } from './generator';
import type { Secret, SecretSettings } from './secret';
import type { SecretTable } from './table';
import { Fields, propertiesOf } from '../../core/fields';
import { physicalName, randomUuid } from '../../core/naming';
import type { CloudContext, Resource, ResourceProvider, ResourceRequest } from '../../core/service';

const SECRET = 'AWS::SecretsManager::Secret';
const POLICY = 'AWS::SecretsManager::ResourcePolicy';

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html */
export function secretProvider(context: CloudContext, secrets: SecretTable): ResourceProvider {
  return {
    type: SECRET,
    properties: ['Name', 'Description', 'KmsKeyId', 'SecretString', 'GenerateSecretString', 'Tags'],
    create: request => {
      const fields = propertiesOf(SECRET, request.logicalId, request.properties);
      const text = contentOf(fields, context.random);
      const secret = secrets.create(
        fields.optionalText('Name') ?? physicalName(context, request, 64),
        settingsOf(fields),
      );
      if (text !== undefined) { secret.put(randomUuid(context.random), { text }, ['AWSCURRENT'], context.clock.now()); }
      return resourceOf(secret);
    },
    update: (request, previous, before) => {
      const fields = propertiesOf(SECRET, request.logicalId, request.properties);
      const secret = secrets.get(previous.physicalId);
      if (fields.has('Name') && fields.text('Name') !== secret.name) {
        throw fields.fail('Name', `can't change from '${secret.name}': the local cloud doesn't replace secrets`);
      }
      secret.settings = settingsOf(fields);
      // A generated value stays unless the way it is generated changes.
      if (JSON.stringify(valueProperties(request.properties)) !== JSON.stringify(valueProperties(before))) {
        const text = contentOf(fields, context.random);
        if (text !== undefined) {
          secret.put(randomUuid(context.random), { text }, ['AWSCURRENT'], context.clock.now());
        }
      }
      return resourceOf(secret);
    },
    // CloudFormation leaves no recovery window: the name is free again.
    delete: resource => secrets.remove(resource.physicalId),
  };
}

export function resourcePolicyProvider(secrets: SecretTable): ResourceProvider {
  const put = (request: ResourceRequest): Resource => {
    const fields = propertiesOf(POLICY, request.logicalId, request.properties);
    const secret = secrets.get(fields.text('SecretId'));
    secret.policy = fields.require('ResourcePolicy', fields.record('ResourcePolicy'));
    return { physicalId: secret.arn, attributes: { Id: secret.arn } };
  };
  return {
    type: POLICY,
    properties: ['SecretId', 'ResourcePolicy', 'BlockPublicPolicy'],
    create: put,
    update: put,
    delete: resource => {
      const secret = secrets.find(resource.physicalId);
      if (secret) { secret.policy = undefined; }
    },
  };
}

function settingsOf(fields: Fields): SecretSettings {
  return {
    description: fields.optionalText('Description'),
    kmsKeyId: fields.optionalText('KmsKeyId'),
    tags: fields.objects('Tags')?.map(tag => ({ Key: tag.text('Key'), Value: tag.text('Value') })),
  };
}

function contentOf(fields: Fields, random: () => number): string | undefined {
  const generate = fields.object('GenerateSecretString');
  const text = fields.optionalText('SecretString');
  if (generate && text !== undefined) {
    throw fields.fail('SecretString', 'and GenerateSecretString exclude each other');
  }
  return generate ? generateSecretString(generate, random) : text;
}

function valueProperties(properties: Record<string, unknown>): unknown[] {
  return [properties.SecretString, properties.GenerateSecretString];
}

function resourceOf(secret: Secret): Resource {
  return { physicalId: secret.arn, attributes: { Id: secret.arn } };
}
