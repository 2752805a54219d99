import { GetSecretValueCommand, ResourceNotFoundException, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

/** Reads one secret's value. The value must never be logged; errors carry the secret's name alone. */
export async function readSecret(client: SecretsManagerClient, arn: string): Promise<string> {
  return (await readVersion(client, arn, 'AWSCURRENT')).value;
}

/**
 * Every value that is valid while a secret is being rotated: the current one, the previous one, and a pending one that is newer
 * than the current. An older pending one was left behind by a rotation that has ended.
 */
export async function readStages(client: SecretsManagerClient, arn: string): Promise<string[]> {
  const [current, previous, pending] = await Promise.all([
    readVersion(client, arn, 'AWSCURRENT'), readIfAny(client, arn, 'AWSPREVIOUS'), readIfAny(client, arn, 'AWSPENDING'),
  ]);
  const valid = [current, previous, pending !== undefined && pending.created > current.created ? pending : undefined];
  return [...new Set(valid.flatMap(version => version?.value ?? []))];
}

interface Version {
  readonly value: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
}

async function readVersion(client: SecretsManagerClient, arn: string, stage: string): Promise<Version> {
  const { SecretString: text, CreatedDate: created } = await client.send(new GetSecretValueCommand({ SecretId: arn, VersionStage: stage }));
  if (text === undefined) {
    throw new Error(`Secret ${secretName(arn)} holds binary data, expected text: store the bare token as the secret's string.`);
  }
  return { value: tokenIn(text, arn), created: created?.getTime() ?? 0 };
}

async function readIfAny(client: SecretsManagerClient, arn: string, stage: string): Promise<Version | undefined> {
  try {
    return await readVersion(client, arn, stage);
  } catch (error) {
    if (error instanceof ResourceNotFoundException) { return undefined; }
    throw error;
  }
}

/**
 * The token in a secret's text: the bare text, or, as the AWS console writes it by default, a JSON object with `token` or
 * with one single key. White space around it goes: a trailing newline makes every HTTP request fail, and nobody sees why.
 */
export function tokenIn(text: string, arn: string): string {
  const token = (text.trimStart().startsWith('{') ? fromJson(text, arn) : text).trim();
  if (token === '') {
    throw new Error(`Secret ${secretName(arn)} is empty, expected a token: put the token there with \`aws secretsmanager put-secret-value\`.`);
  }
  return token;
}

function fromJson(text: string, arn: string): string {
  const entries = Object.entries(parse(text));
  const [, value] = entries.find(([key]) => key === 'token') ?? (entries.length === 1 ? entries[0] : []);
  if (typeof value !== 'string') {
    throw new Error(`Secret ${secretName(arn)} holds a JSON object with ${entries.length} keys and no text under "token", `
      + 'expected the bare token or {"token":"..."}: store it in one of these forms.');
  }
  return value;
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    // Not JSON after all. The parser's own message would quote the value.
    return { token: text };
  }
}

/**
 * The part of a secret's ARN that a person knows it by. The suffix that Secrets Manager appends has a capital or a digit in
 * all but 6 of 1,000 cases; the ARN of a secret imported by name has none, and may end in a word of six letters ("-tokens").
 */
export function secretName(arn: string): string {
  return arn.split(':').slice(6).join(':').replace(/-(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{6}$/, '') || arn;
}
