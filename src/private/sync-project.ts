import { Annotations, Duration, Tokenization } from 'aws-cdk-lib';
import {
  BuildEnvironment,
  BuildEnvironmentVariable,
  IBuildImage,
  ImagePullPrincipalType,
  Project,
  Source,
} from 'aws-cdk-lib/aws-codebuild';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { buildEnvironment, isLambdaCompute, LAMBDA_TIMEOUT } from './build-environment';
import { syncBuildSpec } from './buildspec';
import { grantSecretValue, repositoriesArn } from './permissions';
import { allow, programDirectory } from './program';
import { CopyEngine } from '../contract/copy-engine';
import { Environment, SYNC_ENVIRONMENT } from '../contract/environment';

/**
 * What the sync does with repositories: create, read, push. Never delete, and never another prefix.
 * GetDownloadUrlForLayer is what ECR asks for where it mounts a layer of another repository:
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/blob-mounting.html
 */
const REPOSITORY_ACTIONS = [
  'ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:CompleteLayerUpload', 'ecr:CreateRepository',
  'ecr:DescribeRepositories', 'ecr:GetDownloadUrlForLayer', 'ecr:InitiateLayerUpload', 'ecr:ListImages', 'ecr:PutImage',
  'ecr:UploadLayerPart',
];

export interface SyncProjectProps {
  readonly organization: string;
  readonly repositoryPrefix: string;
  readonly githubApiUrl: string;
  readonly registryHost: string;
  readonly packagesToken: ISecret;
  readonly engine?: CopyEngine;
  readonly buildEnvironment?: BuildEnvironment;
  readonly buildTimeout: Duration;
  readonly putImageRate: number;
  readonly logGroup: (scope: Construct, id: string) => LogGroup;
}

/** Lets the project pull a build image of the user's own. */
function grantBuildImage(image: IBuildImage | undefined, role: Role): void {
  if (image?.imagePullPrincipalType !== ImagePullPrincipalType.CODEBUILD) { image?.repository?.grantPull(role); }
  image?.secretsManagerCredentials?.grantRead(role);
}

/** The build's deadline with Lambda compute: the user's, but no later than Lambda's own. */
function lambdaTimeout(given: Duration): Duration {
  return !given.isUnresolved() && given.toMinutes() < LAMBDA_TIMEOUT.toMinutes() ? given : LAMBDA_TIMEOUT;
}

/** The CodeBuild project that copies images. */
export class SyncProject extends Construct {
  public readonly project: Project;

  constructor(scope: Construct, id: string, props: SyncProjectProps) {
    super(scope, id);
    const program = new Asset(this, 'Program', { path: programDirectory('sync') });
    const environment = buildEnvironment(props.buildEnvironment);
    const onLambda = isLambdaCompute(environment);
    const engine = this.engine(props.engine, onLambda);
    const logGroup = props.logGroup(this, 'Log');
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('codebuild.amazonaws.com') });
    this.project = new Project(this, 'Project', {
      // The project would grant itself log groups that it never writes, and every object operation on its source.
      role: role.withoutPolicyUpdates(),
      description: 'GhcrMirror: copies images from GHCR to ECR',
      source: Source.s3({ bucket: program.bucket, path: program.s3ObjectKey }),
      buildSpec: syncBuildSpec({ engine, program: programDirectory('sync') }),
      environment,
      environmentVariables: this.environmentVariables(props, engine, onLambda),
      // CodeBuild accepts no timeout for Lambda compute: it is 15 minutes.
      timeout: onLambda ? undefined : props.buildTimeout,
      logging: { cloudWatch: { logGroup } },
      grantReportGroupPermissions: false,
    });
    logGroup.grantWrite(role);
    // What AWS documents for a source in S3:
    // https://docs.aws.amazon.com/codebuild/latest/userguide/setting-up-service-role.html
    role.addToPolicy(allow(['s3:GetObject', 's3:GetObjectVersion'], program.bucket.arnForObjects(program.s3ObjectKey)));
    role.addToPolicy(allow(['s3:GetBucketAcl', 's3:GetBucketLocation'], program.bucket.bucketArn));
    grantBuildImage(props.buildEnvironment?.buildImage, role);
    grantSecretValue(this, props.packagesToken, role);
    role.addToPolicy(allow(REPOSITORY_ACTIONS, repositoriesArn(this, props.repositoryPrefix)));
    // The one action of these that ECR offers for no single resource.
    role.addToPolicy(allow(['ecr:GetAuthorizationToken'], '*'));
    // The project refers to the role alone: without this, the first build could be faster than its permissions.
    this.project.node.addDependency(role);
  }

  /** Lambda compute has no root, so skopeo can't be installed there. */
  private engine(given: CopyEngine | undefined, onLambda: boolean): CopyEngine {
    if (onLambda && given === CopyEngine.SKOPEO) {
      Annotations.of(this).addWarningV2('cdk-ghcr2ecr:skopeoOnLambda',
        'With Lambda compute, `engine: CopyEngine.SKOPEO` needs a build image that has skopeo: '
        + 'it can\'t be installed without root. '
        + 'Where the image has none, the direct engine copies instead.');
    }
    return given ?? (onLambda ? CopyEngine.DIRECT : CopyEngine.SKOPEO);
  }

  private environmentVariables(
    props: SyncProjectProps,
    engine: CopyEngine,
    onLambda: boolean,
  ): Record<string, BuildEnvironmentVariable> {
    const timeout = onLambda ? lambdaTimeout(props.buildTimeout) : props.buildTimeout;
    const environment: Environment<typeof SYNC_ENVIRONMENT> = {
      BUILD_TIMEOUT_MINUTES: Tokenization.stringifyNumber(timeout.toMinutes()),
      ENGINE: engine,
      GITHUB_API_URL: props.githubApiUrl,
      ORGANIZATION: props.organization,
      // The ARN, not a variable of type SECRETS_MANAGER: the program reads the secret itself and can say what is wrong.
      PACKAGES_TOKEN_ARN: props.packagesToken.secretArn,
      PUT_IMAGE_RATE: Tokenization.stringifyNumber(props.putImageRate),
      REGISTRY_HOST: props.registryHost,
      REPOSITORY_PREFIX: props.repositoryPrefix,
    };
    return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, { value }]));
  }
}
