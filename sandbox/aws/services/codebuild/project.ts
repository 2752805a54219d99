import { Buildspec, parseBuildspec } from './buildspec';
import {
  ENVIRONMENT_TYPES, EnvironmentType, isLambdaCompute, LAMBDA_TIMEOUT_MINUTES, parseComputeType, refuseOnLambda,
} from './environment';
import { parseVpc, VpcConfig } from './vpc';
import { Fields, propertiesOf } from '../../core/fields';
import { physicalName } from '../../core/naming';
import { AwsError, CloudContext, Resource, ResourceProvider, ResourceRequest } from '../../core/service';

export interface EnvironmentVariable {
  readonly name: string;
  readonly value: string;
  readonly type: 'PLAINTEXT' | 'SECRETS_MANAGER';
}

export interface Project {
  readonly name: string;
  readonly arn: string;
  readonly description?: string;
  readonly serviceRole: string;
  readonly environment: {
    readonly type: EnvironmentType;
    readonly computeType: string;
    readonly image: string;
    readonly imagePullCredentialsType: string;
    readonly privilegedMode: boolean;
    readonly environmentVariables: readonly EnvironmentVariable[];
  };
  /** Object in S3; undefined for NO_SOURCE. */
  readonly source?: { readonly bucket: string; readonly key: string };
  readonly buildspecText: string;
  readonly buildspec: Buildspec;
  readonly timeoutInMinutes: number;
  readonly queuedTimeoutInMinutes: number;
  readonly concurrentBuildLimit?: number;
  readonly autoRetryLimit: number;
  readonly encryptionKey: string;
  /** undefined: CodeBuild creates `/aws/codebuild/NAME`. */
  readonly logGroup?: string;
  readonly logStreamPrefix?: string;
  readonly vpc?: VpcConfig;
}

/** Characters of a value, by experience with CreateProject and StartBuild; the service quotas don't name it. */
const MAXIMUM_VALUE = 4096;
const TYPE = 'AWS::CodeBuild::Project';

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-codebuild-project.html */
export function projectProvider(context: CloudContext, projects: Map<string, Project>): ResourceProvider {
  const put = (request: ResourceRequest, name: string): Resource => {
    const project = parseProject(context, request, name);
    projects.set(name, project);
    return { physicalId: name, attributes: { Arn: project.arn } };
  };
  return {
    type: TYPE,
    properties: [
      'Name', 'Description', 'Artifacts', 'Source', 'Environment', 'ServiceRole', 'TimeoutInMinutes',
      'QueuedTimeoutInMinutes', 'ConcurrentBuildLimit', 'AutoRetryLimit', 'EncryptionKey', 'Cache', 'LogsConfig',
      'Visibility', 'Tags', 'VpcConfig',
    ],
    create: request => {
      const given = propertiesOf(TYPE, request.logicalId, request.properties).optionalText('Name');
      const name = given ?? physicalName(context, request, 150);
      if (projects.has(name)) { throw new Error(`${TYPE} '${request.logicalId}': project already exists: ${name}`); }
      return put(request, name);
    },
    update: (request, previous) => {
      const fields = propertiesOf(TYPE, request.logicalId, request.properties);
      if (fields.has('Name') && fields.text('Name') !== previous.physicalId) {
        throw fields.fail(
          'Name',
          `can't change from '${previous.physicalId}': the local cloud doesn't replace projects`,
        );
      }
      return put(request, previous.physicalId);
    },
    delete: resource => { projects.delete(resource.physicalId); },
  };
}

function parseProject(context: CloudContext, request: ResourceRequest, name: string): Project {
  const fields = propertiesOf(TYPE, request.logicalId, request.properties);
  if (!/^[A-Za-z0-9][A-Za-z0-9\-_]{1,149}$/.test(name)) { throw fields.fail('Name', `must be 2-150 letters, digits, hyphens or underscores, got '${name}'`); }
  fields.require('Artifacts', fields.object('Artifacts')).only('Type').choice('Type', ['NO_ARTIFACTS']);
  fields.object('Cache')?.only('Type').choice('Type', ['NO_CACHE']);
  fields.choice('Visibility', ['PRIVATE'], 'PRIVATE');
  const buildspecText = fields.object('Source')?.optionalText('BuildSpec') ?? '';
  const environment = parseEnvironment(fields.require('Environment', fields.object('Environment')));
  const onLambda = isLambdaCompute(environment.type);
  refuseOnLambda(fields, environment.type);
  return {
    name,
    arn: `arn:${context.partition}:codebuild:${context.region}:${context.account}:project/${name}`,
    description: fields.optionalText('Description'),
    serviceRole: roleArn(fields, 'ServiceRole'),
    environment,
    source: parseSource(fields.require('Source', fields.object('Source'))),
    buildspecText,
    buildspec: readBuildspec(fields, buildspecText),
    timeoutInMinutes: fields.integer('TimeoutInMinutes', 5, 2160) ?? (onLambda ? LAMBDA_TIMEOUT_MINUTES : 60),
    queuedTimeoutInMinutes: fields.integer('QueuedTimeoutInMinutes', 5, 480) ?? 480,
    concurrentBuildLimit: fields.integer('ConcurrentBuildLimit', 1, 10_000),
    autoRetryLimit: fields.integer('AutoRetryLimit', 0, 10) ?? 0,
    encryptionKey: fields.optionalText('EncryptionKey')
      ?? `arn:${context.partition}:kms:${context.region}:${context.account}:alias/aws/s3`,
    ...parseLogs(fields.object('LogsConfig')),
    vpc: parseVpc(fields.object('VpcConfig')),
  };
}

function readBuildspec(fields: Fields, text: string): Buildspec {
  try {
    return parseBuildspec(text);
  } catch (error) {
    throw fields.fail('Source.BuildSpec', `is refused: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export function roleArn(fields: Fields, member: string): string {
  const role = fields.text(member);
  if (!/^arn:[^:]+:iam::\d{12}:role\/.+$/.test(role)) {
    throw fields.fail(member, `must be the ARN of a role, got '${role}'`);
  }
  return role;
}

function parseSource(source: Fields): Project['source'] {
  const type = source.only('Type', 'Location', 'BuildSpec').choice('Type', ['S3', 'NO_SOURCE']);
  if (type === 'NO_SOURCE') { return undefined; }
  const location = source.text('Location');
  const match = /^(?:arn:[^:]+:s3:::)?([^/]+)\/(.+)$/.exec(location);
  if (!match) { throw source.fail('Location', `must be BUCKET/KEY, got '${location}'`); }
  return { bucket: match[1], key: match[2] };
}

function parseEnvironment(environment: Fields): Project['environment'] {
  environment.only(
    'Type',
    'ComputeType',
    'Image',
    'ImagePullCredentialsType',
    'PrivilegedMode',
    'EnvironmentVariables',
  );
  const privilegedMode = environment.flag('PrivilegedMode') ?? false;
  if (privilegedMode) {
    throw environment.fail(
      'PrivilegedMode',
      'must be false: the local cloud runs builds without a container of their own',
    );
  }
  const type = environment.choice('Type', ENVIRONMENT_TYPES);
  return {
    type,
    computeType: parseComputeType(environment, type),
    image: environment.text('Image'),
    imagePullCredentialsType: environment.choice(
      'ImagePullCredentialsType',
      ['CODEBUILD', 'SERVICE_ROLE'],
      'CODEBUILD',
    ),
    privilegedMode,
    environmentVariables: parseVariables(
      environment.objects('EnvironmentVariables') ?? [],
      { name: 'Name', value: 'Value', type: 'Type' },
    ),
  };
}

/** Variables of a project (capitalized members) or of StartBuild's override. */
export function parseVariables(
  list: readonly Fields[],
  member: { name: string; value: string; type: string },
): EnvironmentVariable[] {
  return list.map(fields => {
    const name = fields.only(...Object.values(member)).text(member.name);
    const value = fields.text(member.value);
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) { throw fields.fail(member.name, `is not a name that a shell can read: '${name}'`); }
    // https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html
    if (name.startsWith('CODEBUILD_')) {
      throw fields.fail(member.name, `must not begin with CODEBUILD_, which is reserved: '${name}'`);
    }
    if (value.length > MAXIMUM_VALUE) {
      throw fields.fail(member.value, `of ${name} must have at most ${MAXIMUM_VALUE} characters, got ${value.length}`);
    }
    return { name, value, type: fields.choice(member.type, ['PLAINTEXT', 'SECRETS_MANAGER'], 'PLAINTEXT') };
  });
}

function parseLogs(logs: Fields | undefined): Pick<Project, 'logGroup' | 'logStreamPrefix'> {
  const group = logs?.only('CloudWatchLogs').object('CloudWatchLogs')?.only('Status', 'GroupName', 'StreamName');
  group?.choice('Status', ['ENABLED']);
  return { logGroup: group?.optionalText('GroupName'), logStreamPrefix: group?.optionalText('StreamName') };
}

export function findProject(context: CloudContext, projects: ReadonlyMap<string, Project>, id: string): Project {
  const name = id.split(':project/').pop() ?? id;
  const project = projects.get(name);
  if (!project) {
    throw new AwsError(
      'ResourceNotFoundException',
      `Project cannot be found: arn:${context.partition}:codebuild:${context.region}:`
        + `${context.account}:project/${name}`,
    );
  }
  return project;
}
