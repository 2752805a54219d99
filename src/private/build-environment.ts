import { Duration } from 'aws-cdk-lib';
import { BuildEnvironment, ComputeType, IBuildImage, LinuxBuildImage } from 'aws-cdk-lib/aws-codebuild';

/** Ubuntu 24.04 with Node 24. By id, because older releases of aws-cdk-lib have no constant for it. */
const DEFAULT_IMAGE = LinuxBuildImage.fromCodeBuildImageId('aws/codebuild/standard:8.0');

/**
 * How long a build on Lambda compute may take.
 *
 * @see https://docs.aws.amazon.com/codebuild/latest/userguide/lambda.html
 */
export const LAMBDA_TIMEOUT = Duration.minutes(15);

/** A build environment whose image is known. */
export interface KnownBuildEnvironment extends BuildEnvironment {
  readonly buildImage: IBuildImage;
}

/**
 * The user's environment, completed. The size is given even for an image of the user's own: CDK's default for ARM is
 * LARGE. Lambda compute has sizes of its own, and the image's default is the smallest.
 */
export function buildEnvironment(given: BuildEnvironment = {}): KnownBuildEnvironment {
  const buildImage = given.buildImage ?? DEFAULT_IMAGE;
  const smallest = isLambdaCompute({ buildImage }) ? buildImage.defaultComputeType : ComputeType.SMALL;
  return { ...given, buildImage, computeType: given.computeType ?? smallest };
}

/** Told by the image's type, because the classes of another copy of aws-cdk-lib are not ours. */
export function isLambdaCompute({ buildImage }: KnownBuildEnvironment): boolean {
  return buildImage.type === 'LINUX_LAMBDA_CONTAINER' || buildImage.type === 'ARM_LAMBDA_CONTAINER';
}
