import { fieldsOf } from './input';
import { missing, Secret, SecretSettings } from './secret';
import { randomText, urlSuffix } from '../../core/naming';
import { AwsError, CloudContext, Input, RequiredPermission } from '../../core/service';

/** The account's secrets. */
export class SecretTable {
  private readonly secrets = new Map<string, Secret>();

  public constructor(private readonly context: CloudContext) {}

  public create(name: string, settings: SecretSettings): Secret {
    if (!/^[A-Za-z0-9/_+=.@-]{1,512}$/.test(name)) {
      throw new AwsError(
        'ValidationException',
        'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!',
      );
    }
    const existing = this.find(name);
    if (existing) {
      throw existing.deletesAt === undefined
        ? new AwsError('ResourceExistsException', `The operation failed because the secret ${name} already exists.`)
        : new AwsError(
          'InvalidRequestException',
          "You can't create this secret because a secret with this name is already scheduled for deletion.",
        );
    }
    // Six random characters keep a policy on the old secret from matching a new one of the same name.
    const secret = new Secret(
      name,
      `${this.arn(name)}-${randomText(this.context.random, 6)}`,
      settings,
      this.context.clock.now(),
    );
    this.secrets.set(secret.arn, secret);
    return secret;
  }

  public all(): readonly Secret[] {
    return [...this.secrets.values()];
  }

  /** By name, by ARN, or by ARN without the random suffix. */
  public find(id: string): Secret | undefined {
    this.expire();
    return this.secrets.get(id)
      ?? [...this.secrets.values()].find(secret => secret.name === id || secret.arn.slice(0, -7) === id);
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
      throw new AwsError(
        'InvalidRequestException',
        "You can't perform this operation on the secret because it was marked for deletion.",
      );
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
      const context = {
        'kms:ViaService': `secretsmanager.${this.context.region}.${urlSuffix(this.context.partition)}`,
      };
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
