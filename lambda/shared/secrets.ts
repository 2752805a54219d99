import {
  GetSecretValueCommand,
  InvalidRequestException,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';

/** Reads one secret's value. The value must never be logged; errors carry the secret's name alone. */
export async function readSecret(client: SecretsManagerClient, arn: string): Promise<string> {
  return (await readVersion(client, arn, 'AWSCURRENT')).value;
}

/** A value that a signature may have been made with. */
export interface AcceptedSecret {
  readonly value: string;
  /** Milliseconds since the epoch from which on it is accepted no more; undefined while the stage is AWSCURRENT. */
  readonly until?: number;
}

export interface StageReading {
  /** Most likely first. */
  readonly secrets: readonly AcceptedSecret[];
  /** Stages that exist, as far as one can tell, and could not be read. */
  readonly unreadable: readonly { readonly stage: string; readonly cause: string }[];
}

/** How long a value is accepted beside AWSCURRENT: a leaked one must not stay good for ever. */
export const OVERLAP_MS = 48 * 3_600_000;

/**
 * Reads every value that is accepted while a secret is being rotated. AWSCURRENT has to be readable; another stage
 * that is not costs only itself.
 *
 * @throws as Secrets Manager does for AWSCURRENT
 */
export async function readStages(
  client: SecretsManagerClient,
  arn: string,
  signal?: AbortSignal,
): Promise<StageReading> {
  const [current, previous, pending] = await Promise.all([
    readVersion(client, arn, 'AWSCURRENT', signal),
    readIfAny(client, arn, 'AWSPREVIOUS', signal),
    readIfAny(client, arn, 'AWSPENDING', signal),
  ]);
  const unreadable = [previous, pending].flatMap(stage => stage !== undefined && 'cause' in stage ? [stage] : []);
  return { secrets: accepted(current, readable(previous), readable(pending)), unreadable };
}

/**
 * The current value; the previous one until 48 hours after the current was made; a pending one that is newer than the
 * current, for 48 hours. An older pending one was left behind by a rotation that has ended.
 */
export function accepted(
  current: Version,
  previous: Version | undefined,
  pending: Version | undefined,
): AcceptedSecret[] {
  const all: AcceptedSecret[] = [
    { value: current.value },
    ...previous ? [{ value: previous.value, until: current.created + OVERLAP_MS }] : [],
    ...pending && pending.created > current.created
      ? [{ value: pending.value, until: pending.created + OVERLAP_MS }]
      : [],
  ];
  return all.filter(({ value }, at) => all.findIndex(other => other.value === value) === at);
}

/** Whether the secret is gone, or about to be: somebody has deleted it. */
export function isDeleted(error: unknown): boolean {
  return error instanceof ResourceNotFoundException || error instanceof InvalidRequestException;
}

export interface Version {
  readonly value: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
}

interface Unreadable {
  readonly stage: string;
  readonly cause: string;
}

async function readVersion(
  client: SecretsManagerClient,
  arn: string,
  stage: string,
  signal?: AbortSignal,
): Promise<Version> {
  const command = new GetSecretValueCommand({ SecretId: arn, VersionStage: stage });
  const { SecretString: text, CreatedDate: created } = await client.send(command, { abortSignal: signal });
  if (text === undefined) {
    throw new Error(`Secret ${secretName(arn)} holds binary data, expected text: `
      + "store the bare token as the secret's string.");
  }
  return { value: tokenIn(text, arn), created: created?.getTime() ?? 0 };
}

async function readIfAny(
  client: SecretsManagerClient,
  arn: string,
  stage: string,
  signal?: AbortSignal,
): Promise<Version | Unreadable | undefined> {
  try {
    return await readVersion(client, arn, stage, signal);
  } catch (error) {
    return error instanceof ResourceNotFoundException ? undefined : { stage, cause: String(error) };
  }
}

function readable(stage: Version | Unreadable | undefined): Version | undefined {
  return stage !== undefined && 'value' in stage ? stage : undefined;
}

/**
 * The token in a secret's text: the bare text, or, as the AWS console writes it by default, a JSON object
 * with `token` or with one single key. White space around it goes: a trailing newline makes every HTTP
 * request fail, and nobody sees why.
 */
export function tokenIn(text: string, arn: string): string {
  const token = (text.trimStart().startsWith('{') ? fromJson(text, arn) : text).trim();
  if (token === '') {
    throw new Error(`Secret ${secretName(arn)} is empty, expected a token: put the token there with \`aws `
      + 'secretsmanager put-secret-value`.');
  }
  return token;
}

function fromJson(text: string, arn: string): string {
  const entries = Object.entries(parse(text));
  const [, value] = entries.find(([key]) => key === 'token') ?? (entries.length === 1 ? entries[0] : []);
  if (typeof value !== 'string') {
    throw new Error(`Secret ${secretName(arn)} holds a JSON object with ${entries.length} keys and `
      + 'no text under "token", '
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
 * The part of a secret's ARN that a person knows it by. The suffix that Secrets Manager appends has a capital
 * or a digit in all but 6 of 1,000 cases; the ARN of a secret imported by name has none, and may end in a
 * word of six letters ("-tokens").
 */
export function secretName(arn: string): string {
  return arn.split(':').slice(6).join(':').replace(/-(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{6}$/, '') || arn;
}
