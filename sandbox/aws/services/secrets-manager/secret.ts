import { AwsError } from '../../core/service';

export interface SecretContent {
  readonly text?: string;
  /** Base64. */
  readonly binary?: string;
}

export interface SecretVersion extends SecretContent {
  readonly id: string;
  readonly createdAt: number;
  readonly stages: Set<string>;
}

export interface SecretSettings {
  readonly description?: string;
  readonly kmsKeyId?: string;
  readonly tags?: readonly { readonly Key: string; readonly Value: string }[];
}

/** Milliseconds of a day. */
const DAY = 86_400_000;

/** A secret and its versions; staging labels say which is which. */
export class Secret {
  public policy: object | undefined;
  public changedAt: number;
  /** When it will be gone; undefined unless it is marked for deletion. */
  public deletesAt: number | undefined;
  private readonly versions = new Map<string, SecretVersion>();

  public constructor(
    public readonly name: string,
    public readonly arn: string,
    public settings: SecretSettings,
    public readonly createdAt: number,
  ) {
    this.changedAt = createdAt;
  }

  /** Idempotent by version id: the same content again gives the same version, other content is refused. */
  public put(id: string, content: SecretContent, stages: readonly string[], now: number): SecretVersion {
    const existing = this.versions.get(id);
    if (existing) {
      if (existing.text !== content.text || existing.binary !== content.binary) {
        throw new AwsError(
          'ResourceExistsException',
          `You can't use ClientRequestToken ${id} because that value is already in use for a `
            + `version of secret ${this.arn}.`,
        );
      }
      return existing;
    }
    const version: SecretVersion = { ...content, id, createdAt: now, stages: new Set() };
    // The first version is current whatever it asked for.
    const wanted = this.versions.size === 0 ? new Set([...stages, 'AWSCURRENT']) : new Set(stages);
    this.versions.set(id, version);
    wanted.forEach(stage => this.move(stage, version));
    this.changedAt = now;
    return version;
  }

  /** The version that a GetSecretValue means. */
  public version(id: string | undefined, stage: string | undefined): SecretVersion {
    if (id !== undefined) {
      const version = this.versions.get(id);
      if (!version) { throw missing(`value for VersionId: ${id}`); }
      if (stage !== undefined && !version.stages.has(stage)) {
        throw new AwsError(
          'InvalidRequestException',
          'You provided a VersionStage that is not associated to the provided VersionId.',
        );
      }
      return version;
    }
    const version = this.staged(stage ?? 'AWSCURRENT');
    if (!version) { throw missing(`value for staging label: ${stage ?? 'AWSCURRENT'}`); }
    return version;
  }

  public staged(stage: string): SecretVersion | undefined {
    return [...this.versions.values()].find(version => version.stages.has(stage));
  }

  public updateStage(stage: string, moveTo: string | undefined, removeFrom: string | undefined, now: number): void {
    const holder = this.staged(stage);
    if (stage === 'AWSCURRENT' && moveTo === undefined) {
      throw new AwsError(
        'InvalidParameterException',
        'You can only move staging label AWSCURRENT to a different secret version. It can’t be completely removed.',
      );
    }
    if (holder && holder.id !== moveTo && removeFrom !== holder.id) {
      throw new AwsError('InvalidParameterException', removeFrom === undefined
        ? `The parameter RemoveFromVersionId can't be empty. Staging label ${stage} is currently attached to version `
          + `${holder.id}, so you must explicitly reference that version in RemoveFromVersionId.`
        : `Staging label ${stage} is currently attached to version ${holder.id}, not to ${removeFrom}: `
          + 'reference that version in RemoveFromVersionId.');
    }
    if (!holder && removeFrom !== undefined) {
      throw new AwsError(
        'InvalidParameterException',
        `Staging label ${stage} is not attached to version ${removeFrom}.`,
      );
    }
    const target = moveTo === undefined ? undefined : this.version(moveTo, undefined);
    if (target) { this.move(stage, target); } else { holder?.stages.delete(stage); }
    this.changedAt = now;
  }

  public schedule(days: number, now: number): number {
    this.deletesAt = now + days * DAY;
    return this.deletesAt;
  }

  /** Versions without a label are deprecated. */
  public list(includeDeprecated: boolean): SecretVersion[] {
    return [...this.versions.values()].filter(version => includeDeprecated || version.stages.size > 0);
  }

  /** A label sits on one version; AWSPREVIOUS follows the one that AWSCURRENT leaves. */
  private move(stage: string, to: SecretVersion): void {
    const from = this.staged(stage);
    if (from === to) { return; }
    from?.stages.delete(stage);
    to.stages.add(stage);
    if (stage === 'AWSCURRENT' && from) {
      this.staged('AWSPREVIOUS')?.stages.delete('AWSPREVIOUS');
      from.stages.add('AWSPREVIOUS');
    }
  }
}

export function missing(what: string): AwsError {
  return new AwsError(
    'ResourceNotFoundException',
    `Secrets Manager can't find the specified secret ${what}`.trim() + (what === '' ? '.' : ''),
  );
}
