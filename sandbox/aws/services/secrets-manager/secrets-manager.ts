import { fieldsOf } from './input';
import { resourcePolicyProvider, secretProvider } from './resources';
import { Secret, SecretContent, SecretVersion } from './secret';
import { SecretTable } from './table';
import { Fields } from '../../core/fields';
import { epochSeconds, randomUuid } from '../../core/naming';
import { AwsError, AwsService, CloudContext, Operation, ServiceModule } from '../../core/service';

export interface SecretsManager extends ServiceModule {
  readonly service: AwsService;
  readonly secrets: SecretTable;
  /** Creates a secret as a person would before deploying; gives its ARN. */
  createSecret(name: string, value: string): string;
}

/** AWS Secrets Manager: https://docs.aws.amazon.com/secretsmanager/latest/apireference/ */
export function createSecretsManager(context: CloudContext): SecretsManager {
  const secrets = new SecretTable(context);
  return {
    secrets,
    service: {
      name: 'secretsmanager',
      targetPrefix: 'secretsmanager',
      jsonVersion: '1.1',
      operations: { ...reading(secrets), ...writing(context, secrets), ...lifecycle(context, secrets) },
      resourcePolicy: arn => secrets.find(arn)?.policy,
    },
    providers: [secretProvider(context, secrets), resourcePolicyProvider(secrets)],
    createSecret: (name, value) => {
      const secret = secrets.create(name, {});
      secret.put(randomUuid(context.random), { text: value }, ['AWSCURRENT'], context.clock.now());
      return secret.arn;
    },
  };
}

// ------------------------------------------------------------------------------------------------ reading

function reading(secrets: SecretTable): Record<string, Operation> {
  return {
    GetSecretValue: {
      permissions: secrets.permissions('secretsmanager:GetSecretValue', ['kms:Decrypt']),
      handle: input => {
        const fields = fieldsOf(input).only('SecretId', 'VersionId', 'VersionStage');
        const secret = secrets.active(fields.text('SecretId'));
        const version = secret.version(fields.optionalText('VersionId'), fields.optionalText('VersionStage'));
        return {
          ...identity(secret),
          VersionId: version.id,
          ...(version.text === undefined ? { SecretBinary: version.binary } : { SecretString: version.text }),
          VersionStages: [...version.stages],
          CreatedDate: epochSeconds(version.createdAt),
        };
      },
    },
    DescribeSecret: {
      permissions: secrets.permissions('secretsmanager:DescribeSecret'),
      handle: input => describe(secrets.get(fieldsOf(input).only('SecretId').text('SecretId'))),
    },
    ListSecretVersionIds: {
      permissions: secrets.permissions('secretsmanager:ListSecretVersionIds'),
      handle: input => {
        const fields = fieldsOf(input).only('SecretId', 'IncludeDeprecated', 'MaxResults', 'NextToken');
        const secret = secrets.get(fields.text('SecretId'));
        const { page, next } = pageOf(secret.list(fields.flag('IncludeDeprecated') ?? false), fields);
        return {
          ...identity(secret),
          Versions: page.map(versionEntry),
          ...(next !== undefined && { NextToken: next }),
        };
      },
    },
  };
}

function describe(secret: Secret): object {
  return {
    ...identity(secret),
    ...(secret.settings.description !== undefined && { Description: secret.settings.description }),
    ...(secret.settings.kmsKeyId !== undefined && { KmsKeyId: secret.settings.kmsKeyId }),
    ...(secret.settings.tags !== undefined && { Tags: secret.settings.tags }),
    CreatedDate: epochSeconds(secret.createdAt),
    LastChangedDate: epochSeconds(secret.changedAt),
    ...(secret.deletesAt !== undefined && { DeletedDate: epochSeconds(secret.deletesAt) }),
    VersionIdsToStages: Object.fromEntries(secret.list(false).map(version => [version.id, [...version.stages]])),
  };
}

function versionEntry(version: SecretVersion): object {
  const stages = version.stages.size > 0 ? { VersionStages: [...version.stages] } : {};
  return { VersionId: version.id, CreatedDate: epochSeconds(version.createdAt), ...stages };
}

function pageOf<T>(items: readonly T[], fields: Fields): { page: readonly T[]; next?: string } {
  const token = fields.optionalText('NextToken');
  const from = token === undefined ? 0 : Number(Buffer.from(token, 'base64url').toString());
  if (!Number.isInteger(from)) { throw new AwsError('InvalidNextTokenException', 'The NextToken value is invalid.'); }
  const to = from + (fields.integer('MaxResults', 1, 100) ?? 100);
  return {
    page: items.slice(from, to),
    ...(to < items.length && { next: Buffer.from(String(to)).toString('base64url') }),
  };
}

// ------------------------------------------------------------------------------------------------ writing

function writing(context: CloudContext, secrets: SecretTable): Record<string, Operation> {
  return {
    PutSecretValue: {
      permissions: secrets.permissions('secretsmanager:PutSecretValue', ['kms:GenerateDataKey', 'kms:Decrypt']),
      handle: input => {
        const fields = fieldsOf(input)
          .only('SecretId', 'ClientRequestToken', 'SecretBinary', 'SecretString', 'VersionStages');
        const secret = secrets.active(fields.text('SecretId'));
        const version = secret.put(
          tokenOf(fields, context.random),
          contentOf(fields),
          stagesOf(fields),
          context.clock.now(),
        );
        return { ...identity(secret), VersionId: version.id, VersionStages: [...version.stages] };
      },
    },
    UpdateSecretVersionStage: {
      permissions: secrets.permissions('secretsmanager:UpdateSecretVersionStage'),
      handle: input => {
        const fields = fieldsOf(input).only('SecretId', 'VersionStage', 'MoveToVersionId', 'RemoveFromVersionId');
        const secret = secrets.active(fields.text('SecretId'));
        const [moveTo, removeFrom] = [
          fields.optionalText('MoveToVersionId'),
          fields.optionalText('RemoveFromVersionId'),
        ];
        secret.updateStage(fields.text('VersionStage'), moveTo, removeFrom, context.clock.now());
        return identity(secret);
      },
    },
  };
}

function contentOf(fields: Fields): SecretContent {
  const text = fields.optionalText('SecretString');
  const binary = fields.optionalText('SecretBinary');
  if (text === undefined && binary === undefined) {
    throw new AwsError('InvalidRequestException', 'You must provide either SecretString or SecretBinary.');
  }
  if (text !== undefined && binary !== undefined) {
    throw new AwsError(
      'InvalidParameterException',
      "You can't specify both a binary secret value and a string secret value in the same secret.",
    );
  }
  const bytes = Buffer.byteLength(text ?? '') + Buffer.from(binary ?? '', 'base64').length;
  if (bytes > 65_536) {
    throw fields.fail(
      text === undefined ? 'SecretBinary' : 'SecretString',
      `must have length less than or equal to 65536, got ${bytes}`,
    );
  }
  return text === undefined ? { binary } : { text };
}

/** SDKs draw a token for every call; without one the service draws the version's id. */
function tokenOf(fields: Fields, random: () => number): string {
  const token = fields.optionalText('ClientRequestToken') ?? randomUuid(random);
  if (token.length < 32 || token.length > 64) {
    throw new AwsError('InvalidParameterException', 'ClientRequestToken must be 32-64 characters long.');
  }
  return token;
}

function stagesOf(fields: Fields): string[] {
  const stages = fields.texts('VersionStages') ?? ['AWSCURRENT'];
  if (stages.length < 1 || stages.length > 20) {
    throw fields.fail('VersionStages', `must have 1-20 members, got ${stages.length}`);
  }
  return stages;
}

// ------------------------------------------------------------------------------------------------ life cycle

function lifecycle(context: CloudContext, secrets: SecretTable): Record<string, Operation> {
  return {
    DeleteSecret: {
      permissions: secrets.permissions('secretsmanager:DeleteSecret'),
      handle: input => {
        const fields = fieldsOf(input).only('SecretId', 'ForceDeleteWithoutRecovery', 'RecoveryWindowInDays');
        const force = fields.flag('ForceDeleteWithoutRecovery') ?? false;
        const days = fields.integer('RecoveryWindowInDays', 7, 30);
        if (force && days !== undefined) {
          throw new AwsError(
            'InvalidParameterException',
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
          );
        }
        const secret = force ? secrets.get(fields.text('SecretId')) : secrets.active(fields.text('SecretId'));
        const date = secret.schedule(force ? 0 : days ?? 30, context.clock.now());
        if (force) { secrets.remove(secret.arn); }
        return { ...identity(secret), DeletionDate: epochSeconds(date) };
      },
    },
    RestoreSecret: {
      permissions: secrets.permissions('secretsmanager:RestoreSecret'),
      handle: input => {
        const secret = secrets.get(fieldsOf(input).only('SecretId').text('SecretId'));
        secret.deletesAt = undefined;
        return identity(secret);
      },
    },
  };
}

function identity(secret: Secret): { ARN: string; Name: string } {
  return { ARN: secret.arn, Name: secret.name };
}
