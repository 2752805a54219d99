import { resourcePolicyProvider, secretProvider } from './resources';
import { missing, Secret, SecretContent, SecretSettings, SecretVersion } from './secret';
import { Fields } from '../../core/fields';
import { epochSeconds, randomText, randomUuid, urlSuffix } from '../../core/naming';
import { AwsError, AwsService, CloudContext, Input, Operation, RequiredPermission, ServiceModule } from '../../core/service';

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

/** The account's secrets. */
export class SecretTable {
  private readonly secrets = new Map<string, Secret>();

  public constructor(private readonly context: CloudContext) {}

  public create(name: string, settings: SecretSettings): Secret {
    if (!/^[A-Za-z0-9/_+=.@-]{1,512}$/.test(name)) {
      throw new AwsError('ValidationException', 'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!');
    }
    const existing = this.find(name);
    if (existing) {
      throw existing.deletesAt === undefined
        ? new AwsError('ResourceExistsException', `The operation failed because the secret ${name} already exists.`)
        : new AwsError('InvalidRequestException', "You can't create this secret because a secret with this name is already scheduled for deletion.");
    }
    // Six random characters keep a policy on the old secret from matching a new one of the same name.
    const secret = new Secret(name, `${this.arn(name)}-${randomText(this.context.random, 6)}`, settings, this.context.clock.now());
    this.secrets.set(secret.arn, secret);
    return secret;
  }

  public all(): readonly Secret[] {
    return [...this.secrets.values()];
  }

  /** By name, by ARN, or by ARN without the random suffix. */
  public find(id: string): Secret | undefined {
    this.expire();
    return this.secrets.get(id) ?? [...this.secrets.values()].find(secret => secret.name === id || secret.arn.slice(0, -7) === id);
  }

  public get(id: string): Secret {
    const secret = this.find(id);
    if (!secret) { throw missing(''); }
    return secret;
  }

  /** A secret that is not marked for deletion. */
  public active(id: string): Secret {
    const secret = this.get(id);
    if (secret.deletesAt !== undefined) {
      throw new AwsError('InvalidRequestException', "You can't perform this operation on the secret because it was marked for deletion.");
    }
    return secret;
  }

  public remove(id: string): void {
    const secret = this.find(id);
    if (secret) { this.secrets.delete(secret.arn); }
  }

  /** The action on the secret's full ARN, and what a customer's key needs for it. */
  public permissions(action: string, kms: readonly string[] = []): (input: Input) => RequiredPermission[] {
    return input => {
      const id = fieldsOf(input).text('SecretId');
      const secret = this.find(id);
      const resource = secret?.arn ?? (id.startsWith('arn:') ? id : this.arn(id));
      const key = secret?.settings.kmsKeyId;
      const context = { 'kms:ViaService': `secretsmanager.${this.context.region}.${urlSuffix(this.context.partition)}` };
      // AWS managed keys let every principal of the account through that may use the secret.
      if (!key?.startsWith('arn:') || key.includes(':alias/aws/')) { return [{ action, resource }]; }
      return [{ action, resource }, ...kms.map(kmsAction => ({ action: kmsAction, resource: key, context }))];
    };
  }

  private arn(name: string): string {
    return `arn:${this.context.partition}:secretsmanager:${this.context.region}:${this.context.account}:secret:${name}`;
  }

  private expire(): void {
    const now = this.context.clock.now();
    for (const secret of this.secrets.values()) {
      if (secret.deletesAt !== undefined && secret.deletesAt <= now) { this.secrets.delete(secret.arn); }
    }
  }
}

function fieldsOf(input: Input): Fields {
  return new Fields(input, (name, problem) => problem === 'is required'
    ? new AwsError('ValidationException', `1 validation error detected: Value null at '${camel(name)}' failed to satisfy constraint: Member must not be null`)
    : new AwsError('ValidationException', `1 validation error detected: Value at '${camel(name)}' failed to satisfy constraint: it ${problem}`));
}

function camel(name: string): string {
  return name.slice(0, 1).toLowerCase() + name.slice(1);
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
        return { ...identity(secret), Versions: page.map(versionEntry), ...(next !== undefined && { NextToken: next }) };
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
  return { page: items.slice(from, to), ...(to < items.length && { next: Buffer.from(String(to)).toString('base64url') }) };
}

// ------------------------------------------------------------------------------------------------ writing

function writing(context: CloudContext, secrets: SecretTable): Record<string, Operation> {
  return {
    PutSecretValue: {
      permissions: secrets.permissions('secretsmanager:PutSecretValue', ['kms:GenerateDataKey', 'kms:Decrypt']),
      handle: input => {
        const fields = fieldsOf(input).only('SecretId', 'ClientRequestToken', 'SecretBinary', 'SecretString', 'VersionStages');
        const secret = secrets.active(fields.text('SecretId'));
        const version = secret.put(tokenOf(fields, context.random), contentOf(fields), stagesOf(fields), context.clock.now());
        return { ...identity(secret), VersionId: version.id, VersionStages: [...version.stages] };
      },
    },
    UpdateSecretVersionStage: {
      permissions: secrets.permissions('secretsmanager:UpdateSecretVersionStage'),
      handle: input => {
        const fields = fieldsOf(input).only('SecretId', 'VersionStage', 'MoveToVersionId', 'RemoveFromVersionId');
        const secret = secrets.active(fields.text('SecretId'));
        const [moveTo, removeFrom] = [fields.optionalText('MoveToVersionId'), fields.optionalText('RemoveFromVersionId')];
        secret.updateStage(fields.text('VersionStage'), moveTo, removeFrom, context.clock.now());
        return identity(secret);
      },
    },
  };
}

function contentOf(fields: Fields): SecretContent {
  const text = fields.optionalText('SecretString');
  const binary = fields.optionalText('SecretBinary');
  if (text === undefined && binary === undefined) { throw new AwsError('InvalidRequestException', 'You must provide either SecretString or SecretBinary.'); }
  if (text !== undefined && binary !== undefined) {
    throw new AwsError('InvalidParameterException', "You can't specify both a binary secret value and a string secret value in the same secret.");
  }
  const bytes = Buffer.byteLength(text ?? '') + Buffer.from(binary ?? '', 'base64').length;
  if (bytes > 65_536) { throw fields.fail(text === undefined ? 'SecretBinary' : 'SecretString', `must have length less than or equal to 65536, got ${bytes}`); }
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
  if (stages.length < 1 || stages.length > 20) { throw fields.fail('VersionStages', `must have 1-20 members, got ${stages.length}`); }
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
          throw new AwsError('InvalidParameterException', "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.");
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
