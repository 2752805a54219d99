import { Stack, Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';

/**
 * Regions without CodeBuild, which copies the images.
 *
 * @see https://docs.aws.amazon.com/general/latest/gr/codebuild.html
 */
const WITHOUT_CODEBUILD: readonly string[] = ['ap-east-2', 'ca-west-1', 'mx-central-1'];

/** Refuses a region in which the deployment would fail. A region that is not known at synthesis passes. */
export function validateRegion(scope: Construct): void {
  const { region } = Stack.of(scope);
  if (Token.isUnresolved(region) || !WITHOUT_CODEBUILD.includes(region)) { return; }
  throw new Error(`GhcrMirror: the stack's \`env.region\` is "${region}", expected a region that has CodeBuild, which `
    + 'copies the images. Give the stack a region that has it, and let ECR replicate the repositories to this one '
    + '(AWS::ECR::ReplicationConfiguration).');
}
