import { isRecord } from '../../core/json';
import { AwsError, CloudContext, Principal } from '../../core/service';

/**
 * Reads what an environment variable of type SECRETS_MANAGER names, as the project's role.
 * @param reference `secret-id:json-key:version-stage:version-id`; the secret's id may be an ARN
 * @see https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.secrets-manager
 */
export async function resolveSecret(context: CloudContext, caller: Principal, reference: string): Promise<string> {
  const { id, key, stage, version } = parseReference(reference);
  const answer = await context.call(caller, 'secretsmanager', 'GetSecretValue', {
    SecretId: id,
    ...(stage !== undefined && { VersionStage: stage }),
    ...(version !== undefined && { VersionId: version }),
  });
  const text = String(answer.SecretString);
  return key === undefined ? text : member(text, key, id);
}

export function parseReference(reference: string): { id: string; key?: string; stage?: string; version?: string } {
  const parts = reference.split(':');
  const idParts = reference.startsWith('arn:') ? 7 : 1;
  const [key, stage, version] = parts.slice(idParts).map(part => part === '' ? undefined : part);
  return { id: parts.slice(0, idParts).join(':'), key, stage, version };
}

function member(text: string, key: string, id: string): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new AwsError(
      'InvalidJsonException',
      `the secret ${id} is not JSON, but the reference names its key '${key}'`,
    );
  }
  const value = isRecord(parsed) ? parsed[key] : undefined;
  if (value === undefined) { throw new AwsError('InvalidJsonKeyException', `the secret ${id} has no key '${key}'`); }
  return typeof value === 'string' ? value : JSON.stringify(value);
}
