import { createHash } from 'node:crypto';
import {
  AccountLimitExceededException,
  BatchGetBuildsCommand,
  Build,
  CodeBuildClient,
  ListBuildsForProjectCommand,
  StartBuildCommand,
} from '@aws-sdk/client-codebuild';
import type { BuildRequest } from './builds';
import { KnownBuild, KnownBuilds } from './known-builds';
import { PACKAGES_VARIABLE, PURPOSE_VARIABLE } from '../../src/contract/environment';

/** Builds of one token follow one another for five minutes: there are never so many. */
const MAX_TOKENS = 20;

/**
 * Starts a build, or gets the one that a duplicate of this request has started a moment ago.
 *
 * CodeBuild answers with the build of the same token for five minutes, also when that has ended. Such an old build
 * does not do this work:
 * it failed, or a tag moved away and back. So the token goes on from each old build to the next.
 *
 * @param known builds that were there before this work was found missing
 */
export async function startBuild(
  codebuild: CodeBuildClient, projectName: string, request: BuildRequest, known: Pick<KnownBuilds, 'has'>,
): Promise<{ id: string }> {
  let token = request.idempotencyToken;
  for (let count = 0; count < MAX_TOKENS; count++) {
    const { id, buildComplete } = await start(codebuild, projectName, request, token);
    if (id === undefined) { throw new Error('CodeBuild answered StartBuild without the id of a build.'); }
    if (buildComplete !== true && !known.has(id)) { return { id }; }
    token = createHash('sha256').update(`${token} after ${id}`).digest('hex');
  }
  throw new Error(`CodeBuild answered ${MAX_TOKENS} new idempotency tokens with old builds: will try again.`);
}

async function start(
  codebuild: CodeBuildClient,
  projectName: string,
  { variable, purpose }: BuildRequest,
  idempotencyToken: string,
): Promise<Build> {
  try {
    const { build = {} } = await codebuild.send(new StartBuildCommand({
      projectName,
      idempotencyToken,
      environmentVariablesOverride: [
        { name: PACKAGES_VARIABLE, value: variable, type: 'PLAINTEXT' },
        { name: PURPOSE_VARIABLE, value: purpose, type: 'PLAINTEXT' },
      ],
    }));
    return build;
  } catch (error) {
    if (error instanceof AccountLimitExceededException) {
      throw new Error('CodeBuild starts no build: the account\'s quota of concurrently running builds is used up '
        + '(new accounts may have 0). '
        + 'Will try again; if this lasts, raise the quota of the project\'s environment and compute type under Service '
        + 'Quotas > AWS CodeBuild. '
        + `CodeBuild said: ${error.message}`);
    }
    throw error;
  }
}

/** The newest builds of the project, a hundred at most. */
export async function listBuilds(codebuild: CodeBuildClient, projectName: string): Promise<KnownBuilds> {
  const { ids = [] } = await codebuild.send(new ListBuildsForProjectCommand({ projectName, sortOrder: 'DESCENDING' }));
  if (ids.length === 0) { return new KnownBuilds([]); }
  const { builds = [] } = await codebuild.send(new BatchGetBuildsCommand({ ids: ids.slice(0, 100) }));
  const known = builds.flatMap(build => knownBuild(build) ?? []);
  return new KnownBuilds(known.sort((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id)));
}

function knownBuild(
  { id, startTime, endTime, phases = [], buildComplete, buildStatus, environment }: Build,
): KnownBuild | undefined {
  if (id === undefined || startTime === undefined) { return undefined; }
  const variables = new Map(environment?.environmentVariables?.map(({ name, value }) => [name, value]));
  const packages = packagesOf(variables.get(PACKAGES_VARIABLE));
  const purpose = variables.get(PURPOSE_VARIABLE) ?? (packages === undefined ? 'reconcile' : 'push');
  return {
    id,
    startedAt: startTime.getTime(),
    // The program reads what is missing in this phase, and not before.
    planningSince: phases.find(({ phaseType }) => phaseType === 'BUILD')?.startTime?.getTime(),
    endedAt: buildComplete === true ? (endTime ?? startTime).getTime() : undefined,
    succeeded: buildStatus === 'SUCCEEDED',
    packages,
    purpose: purpose === 'reconcile' ? 'reconcile' : 'push',
  };
}

/** What the build was asked to sync; undefined for all packages, and none for a value that the program refuses. */
function packagesOf(variable: string | undefined): readonly string[] | undefined {
  if (variable === undefined || variable.trim() === '') { return undefined; }
  try {
    const value: unknown = JSON.parse(variable);
    return Array.isArray(value) ? value.filter(name => typeof name === 'string') : [];
  } catch {
    return [];
  }
}
