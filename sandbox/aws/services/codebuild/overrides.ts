import type { BuildRequest } from './build';
import { parseBuildspec } from './buildspec';
import { EnvironmentVariable, parseVariables, Project, roleArn } from './project';
import { Fields } from '../../core/fields';
import { isRecord } from '../../core/json';
import type { Input, RequiredPermission } from '../../core/service';

/** Members of StartBuild that this stand-in carries out; IAM sees the others, then they are refused. */
export const START_MEMBERS = [
  'projectName',
  'environmentVariablesOverride',
  'idempotencyToken',
  'timeoutInMinutesOverride',
  'queuedTimeoutInMinutesOverride',
  'autoRetryLimitOverride',
  'buildspecOverride',
  'imageOverride',
  'serviceRoleOverride',
] as const;

/** A condition key holds the member's text, or says only that it is there: then `Null` alone can test it. */
type KeyKind = 'text' | 'presence';

/**
 * Condition keys of StartBuild by the request's member. `debugSessionEnabled`, `sourceVersion`,
 * `timeoutInMinutesOverride` and
 * `idempotencyToken` have none.
 * @see https://docs.aws.amazon.com/codebuild/latest/userguide/action-context-keys.html
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodebuild.html
 */
const KEYS: readonly (readonly [member: string, key: string, kind: KeyKind])[] = [
  ['artifactsOverride', 'artifacts', 'presence'],
  ['autoRetryLimitOverride', 'autoRetryLimit', 'text'],
  ['buildspecOverride', 'source.buildspec', 'presence'],
  ['cacheOverride', 'cache', 'presence'],
  ['certificateOverride', 'environment.certificate', 'text'],
  ['computeTypeOverride', 'environment.computeType', 'text'],
  ['encryptionKeyOverride', 'encryptionKey', 'text'],
  ['environmentTypeOverride', 'environment.type', 'text'],
  ['environmentVariablesOverride', 'environment.environmentVariables', 'presence'],
  ['fleetOverride', 'environment.fleet.fleetArn', 'text'],
  ['imageOverride', 'environment.image', 'text'],
  ['imagePullCredentialsTypeOverride', 'environment.imagePullCredentialsType', 'text'],
  ['insecureSslOverride', 'source.insecureSsl', 'text'],
  ['logsConfigOverride', 'logsConfig', 'presence'],
  ['privilegedModeOverride', 'environment.privilegedMode', 'text'],
  ['registryCredentialOverride', 'environment.registryCredential', 'presence'],
  ['secondaryArtifactsOverride', 'secondaryArtifacts', 'presence'],
  ['secondarySourcesOverride', 'secondarySources', 'presence'],
  ['serviceRoleOverride', 'serviceRole', 'text'],
  ['sourceAuthOverride', 'source.auth', 'presence'],
  ['sourceLocationOverride', 'source.location', 'text'],
];

const VARIABLES = 'codebuild:environment.environmentVariables';

/** What a policy sees of a request to StartBuild: only what overrides the project's settings. */
export function startBuildContext(input: Input): Record<string, readonly string[]> {
  const members = KEYS.map(([member, key, kind]): [string, readonly string[]] => [
    `codebuild:${key}`,
    valueOf(input[member], kind),
  ]);
  const present = (prefix: string): readonly string[] =>
    members.some(([key, values]) => key.startsWith(prefix) && values.length > 0) ? ['true'] : [];
  return {
    ...Object.fromEntries(members),
    'codebuild:source': present('codebuild:source.'),
    'codebuild:environment': present('codebuild:environment.'),
    ...variablesContext(input.environmentVariablesOverride),
  };
}

function valueOf(member: unknown, kind: KeyKind): readonly string[] {
  if (member === undefined || member === null) {
    return [];
  }
  return [kind === 'presence' ? 'true' : String(member)];
}

function variablesContext(override: unknown): Record<string, readonly string[]> {
  const list: readonly unknown[] = Array.isArray(override) ? override : [];
  const variables = list.filter(isRecord).map(({ name, value }) => ({ name: String(name), value: String(value) }));
  return {
    [`${VARIABLES}.name`]: variables.map(({ name }) => name),
    [`${VARIABLES}.value`]: variables.map(({ value }) => value),
    [`${VARIABLES}/`]: [],
    ...Object.fromEntries(variables.map(({ name, value }) => [`${VARIABLES}/${name}.value`, [value]])),
  };
}

/**
 * The caller hands the role over to CodeBuild:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
 */
export function passRole(input: Input): readonly RequiredPermission[] {
  const { serviceRoleOverride: resource } = input;
  if (typeof resource !== 'string') {
    return [];
  }
  return [{ action: 'iam:PassRole', resource, context: { 'iam:PassedToService': 'codebuild.amazonaws.com' } }];
}

/** The project as this request changes it, and the variables that its build gets. */
export function applyOverrides(fields: Fields, project: Project): Pick<BuildRequest, 'project' | 'variables'> {
  const overrides = parseVariables(fields.objects('environmentVariablesOverride') ?? [], {
    name: 'name',
    value: 'value',
    type: 'type',
  });
  return {
    project: overridden(fields, project),
    variables: merged(project.environment.environmentVariables, overrides),
  };
}

function merged(own: readonly EnvironmentVariable[], overrides: readonly EnvironmentVariable[]): EnvironmentVariable[] {
  return [...own.filter(variable => !overrides.some(override => override.name === variable.name)), ...overrides];
}

function overridden(fields: Fields, project: Project): Project {
  const image = fields.optionalText('imageOverride');
  const text = fields.optionalText('buildspecOverride');
  return {
    ...project,
    ...(fields.has('serviceRoleOverride') && { serviceRole: roleArn(fields, 'serviceRoleOverride') }),
    ...(image !== undefined && { environment: { ...project.environment, image } }),
    ...(text !== undefined && { buildspecText: text, buildspec: readOverride(fields, text) }),
  };
}

function readOverride(fields: Fields, text: string): Project['buildspec'] {
  try {
    return parseBuildspec(text);
  } catch (error) {
    throw fields.fail('buildspecOverride', `is refused: ${error instanceof Error ? error.message : String(error)}`);
  }
}
