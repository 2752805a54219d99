import { createHash } from 'node:crypto';
import { AccountLimitExceededException, Build, CodeBuildClient, StartBuildCommand } from '@aws-sdk/client-codebuild';
import type { BuildRequest } from './builds';
import { PACKAGES_VARIABLE } from '../../src/contract/environment';

/**
 * Starts a build, or gets the one that is under way for the same work.
 *
 * CodeBuild answers with the build of the same token for five minutes, also when that has ended. Work that is missing after its
 * build has ended is new work: the build failed, or a tag moved away and back. So the token goes on from each ended build to the next.
 */
export async function startBuild(codebuild: CodeBuildClient, projectName: string, request: BuildRequest): Promise<{ id: string }> {
  let token = request.idempotencyToken;
  for (;;) {
    const { id = 'unknown', buildComplete } = await start(codebuild, projectName, request.variable, token);
    if (buildComplete !== true) { return { id }; }
    token = createHash('sha256').update(`${token} after ${id}`).digest('hex');
  }
}

async function start(codebuild: CodeBuildClient, projectName: string, packages: string, idempotencyToken: string): Promise<Build> {
  try {
    const { build = {} } = await codebuild.send(new StartBuildCommand({
      projectName,
      idempotencyToken,
      environmentVariablesOverride: [{ name: PACKAGES_VARIABLE, value: packages, type: 'PLAINTEXT' }],
    }));
    return build;
  } catch (error) {
    if (error instanceof AccountLimitExceededException) {
      throw new Error('CodeBuild starts no build: the account\'s quota of concurrently running builds is used up (new accounts may have 0). '
        + 'Will try again; if this lasts, raise the quota of the project\'s environment and compute type under Service Quotas > AWS CodeBuild. '
        + `CodeBuild said: ${error.message}`);
    }
    throw error;
  }
}
