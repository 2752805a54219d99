import type { Fields } from '../../core/fields';

/** https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectEnvironment.html */
export const ENVIRONMENT_TYPES = [
  'LINUX_CONTAINER',
  'ARM_CONTAINER',
  'LINUX_LAMBDA_CONTAINER',
  'ARM_LAMBDA_CONTAINER',
] as const;
export type EnvironmentType = (typeof ENVIRONMENT_TYPES)[number];

const EC2_COMPUTE = [
  'BUILD_GENERAL1_SMALL',
  'BUILD_GENERAL1_MEDIUM',
  'BUILD_GENERAL1_LARGE',
  'BUILD_GENERAL1_XLARGE',
  'BUILD_GENERAL1_2XLARGE',
];
const LAMBDA_COMPUTE = [
  'BUILD_LAMBDA_1GB',
  'BUILD_LAMBDA_2GB',
  'BUILD_LAMBDA_4GB',
  'BUILD_LAMBDA_8GB',
  'BUILD_LAMBDA_10GB',
];

/**
 * Longest build on Lambda compute:
 * https://docs.aws.amazon.com/codebuild/latest/userguide/lambda.html#lambda.limitations
 */
export const LAMBDA_TIMEOUT_MINUTES = 15;

export function isLambdaCompute(type: EnvironmentType): boolean {
  return type === 'LINUX_LAMBDA_CONTAINER' || type === 'ARM_LAMBDA_CONTAINER';
}

export function parseComputeType(environment: Fields, type: EnvironmentType): string {
  return environment.choice('ComputeType', isLambdaCompute(type) ? LAMBDA_COMPUTE : EC2_COMPUTE);
}

/**
 * Lambda compute has neither a timeout of the project's own nor a queue nor a VPC. CodeBuild refuses a project that
 * sets them.
 * @see https://github.com/hashicorp/terraform-provider-aws/issues/34376
 */
export function refuseOnLambda(fields: Fields, type: EnvironmentType): void {
  if (!isLambdaCompute(type)) {
    return;
  }
  const set = ['TimeoutInMinutes', 'QueuedTimeoutInMinutes', 'VpcConfig', 'FileSystemLocations'].find(name =>
    fields.has(name),
  );
  if (set !== undefined) {
    throw fields.fail(set, `is not supported for environment type ${type}`);
  }
}
