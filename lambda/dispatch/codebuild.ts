import { AccountLimitExceededException, CodeBuildClient, StartBuildCommand } from '@aws-sdk/client-codebuild';
import type { BuildRequest } from './builds';
import { PACKAGES_VARIABLE } from '../../src/domain/contract';

/** Starts a build, or gets the one that was started with the same token in the last five minutes. */
export async function startBuild(codebuild: CodeBuildClient, projectName: string, request: BuildRequest): Promise<{ id: string }> {
  try {
    const { build } = await codebuild.send(new StartBuildCommand({
      projectName,
      idempotencyToken: request.idempotencyToken,
      environmentVariablesOverride: [{ name: PACKAGES_VARIABLE, value: request.variable, type: 'PLAINTEXT' }],
    }));
    return { id: build?.id ?? 'unknown' };
  } catch (error) {
    if (error instanceof AccountLimitExceededException) {
      throw new Error('CodeBuild starts no build: the account\'s quota of concurrently running builds is used up (new accounts may have 0). '
        + 'Will try again; if this lasts, raise the quota of the project\'s environment and compute type under Service Quotas > AWS CodeBuild. '
        + `CodeBuild said: ${error.message}`);
    }
    throw error;
  }
}
