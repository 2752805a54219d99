import { Build, BuildRequest } from './build';
import { isLambdaCompute } from './environment';
import { applyOverrides, passRole, START_MEMBERS, startBuildContext } from './overrides';
import { findProject, Project, projectProvider } from './project';
import { BuildQueue, QueueOptions } from './queue';
import { Fields } from '../../core/fields';
import { AwsError, AwsService, CloudContext, Input, Operation, Principal, ServiceModule } from '../../core/service';

export type CodeBuildOptions = QueueOptions;

export interface CodeBuild extends ServiceModule {
  readonly service: AwsService;
  /** Every build, in order of its start; `log` holds what it printed. */
  readonly builds: readonly Build[];
  /** Resolves when the build is complete. */
  waitFor(buildId: string): Promise<Build>;
  setAccountLimit(limit: number): void;
}

/** AWS CodeBuild: https://docs.aws.amazon.com/codebuild/latest/APIReference/ */
export function createCodeBuild(context: CloudContext, options: CodeBuildOptions = {}): CodeBuild {
  const projects = new Map<string, Project>();
  const queue = new BuildQueue(context, options);
  return {
    service: {
      name: 'codebuild',
      targetPrefix: 'CodeBuild_20161006',
      jsonVersion: '1.1',
      operations: { ...starting(context, projects, queue), ...builds(context, projects, queue) },
    },
    providers: [projectProvider(context, projects)],
    builds: queue.builds,
    waitFor: async id => {
      const build = requireBuild(queue, id);
      await build.finished();
      return build;
    },
    setAccountLimit: limit => { queue.accountLimit = limit; },
    busy: () => queue.busy(),
    close: () => queue.close(),
  };
}

// ------------------------------------------------------------------------------------------------ starting

function starting(
  context: CloudContext,
  projects: ReadonlyMap<string, Project>,
  queue: BuildQueue,
): Record<string, Operation> {
  const memory = new Idempotency(context);
  return {
    StartBuild: {
      permissions: input => [
        {
          action: 'codebuild:StartBuild',
          resource: projectArn(context, fieldsOf(input).text('projectName')),
          context: startBuildContext(input),
        },
        ...passRole(input),
      ],
      handle: (input, caller) => {
        const fields = fieldsOf(input).only(...START_MEMBERS);
        const project = findProject(context, projects, fields.text('projectName'));
        const request = startRequest(fields, project, caller);
        return {
          build: memory.once(fields.optionalText('idempotencyToken'), input, () => queue.start(request)).describe(),
        };
      },
    },
    RetryBuild: {
      permissions: input => [{
        action: 'codebuild:RetryBuild',
        resource: projectArn(context, projectOf(fieldsOf(input).text('id'))),
      }],
      handle: (input, caller) => {
        const fields = fieldsOf(input).only('id', 'idempotencyToken');
        const { request } = requireBuild(queue, fields.text('id'));
        const again = (): Build =>
          queue.start({ ...request, autoRetryNumber: 0, previousAutoRetry: undefined, initiator: initiatorOf(caller) });
        return { build: memory.once(fields.optionalText('idempotencyToken'), input, again).describe() };
      },
    },
  };
}

function startRequest(fields: Fields, project: Project, caller: Principal): BuildRequest {
  refuseTimeouts(fields, project);
  return {
    ...applyOverrides(fields, project),
    timeoutInMinutes: fields.integer('timeoutInMinutesOverride', 5, 2160) ?? project.timeoutInMinutes,
    queuedTimeoutInMinutes: fields.integer('queuedTimeoutInMinutesOverride', 5, 480) ?? project.queuedTimeoutInMinutes,
    autoRetryLimit: fields.integer('autoRetryLimitOverride', 0, 10) ?? project.autoRetryLimit,
    autoRetryNumber: 0,
    initiator: initiatorOf(caller),
  };
}

/** https://docs.aws.amazon.com/codebuild/latest/userguide/lambda.html#lambda.limitations */
function refuseTimeouts(fields: Fields, { environment: { type } }: Project): void {
  if (!isLambdaCompute(type)) { return; }
  const set = ['timeoutInMinutesOverride', 'queuedTimeoutInMinutesOverride'].find(name => fields.has(name));
  if (set !== undefined) { throw fields.fail(set, `is not supported for environment type ${type}`); }
}

/** `ROLE/SESSION` of an assumed role. */
function initiatorOf(caller: Principal): string {
  return caller.arn.split(':').pop()?.replace(/^assumed-role\//, '') ?? caller.arn;
}

const MEMORY_MS = 5 * 60 * 1000;

/** The same token gives the same build for five minutes; with other parameters it is an error. */
class Idempotency {
  private readonly started = new Map<string, {
    readonly parameters: string;
    readonly build: Build;
    readonly at: number;
  }>();

  public constructor(private readonly context: CloudContext) {}

  public once(token: string | undefined, input: Input, start: () => Build): Build {
    if (token === undefined) { return start(); }
    const now = this.context.clock.now();
    const known = this.started.get(token);
    const parameters = JSON.stringify(Object.entries(input).sort(([a], [b]) => a < b ? -1 : 1));
    if (known && now - known.at < MEMORY_MS) {
      // Its exact words are not documented ("CodeBuild returns a parameter mismatch error").
      if (known.parameters !== parameters) {
        throw new AwsError(
          'InvalidInputException',
          'Parameter mismatch: the request with this idempotency token had other parameters',
        );
      }
      return known.build;
    }
    const build = start();
    this.started.set(token, { parameters, build, at: now });
    return build;
  }
}

// ------------------------------------------------------------------------------------------------ builds

function builds(
  context: CloudContext,
  projects: ReadonlyMap<string, Project>,
  queue: BuildQueue,
): Record<string, Operation> {
  return {
    BatchGetBuilds: {
      permissions: input => [...new Set(idsOf(fieldsOf(input)).map(projectOf))]
        .map(project => ({ action: 'codebuild:BatchGetBuilds', resource: projectArn(context, project) })),
      handle: input => {
        const ids = idsOf(fieldsOf(input).only('ids'));
        const missing = ids.filter(id => !queue.find(id));
        return {
          builds: ids.flatMap(id => queue.find(id)?.describe() ?? []),
          ...(missing.length > 0 && { buildsNotFound: missing }),
        };
      },
    },
    ListBuildsForProject: {
      permissions: input => [{
        action: 'codebuild:ListBuildsForProject',
        resource: projectArn(context, fieldsOf(input).text('projectName')),
      }],
      handle: input =>
        listBuilds(fieldsOf(input), findProject(context, projects, fieldsOf(input).text('projectName')), queue),
    },
    StopBuild: {
      permissions: input => [{
        action: 'codebuild:StopBuild',
        resource: projectArn(context, projectOf(fieldsOf(input).text('id'))),
      }],
      handle: input => {
        const build = requireBuild(queue, fieldsOf(input).only('id').text('id'));
        queue.stop(build);
        return { build: build.describe() };
      },
    },
  };
}

function listBuilds(fields: Fields, project: Project, queue: BuildQueue): object {
  const order = fields.only('projectName', 'sortOrder', 'nextToken').choice(
    'sortOrder',
    ['ASCENDING', 'DESCENDING'],
    'DESCENDING',
  );
  const ids = queue.builds.filter(build => build.request.project.name === project.name).map(build => build.id);
  if (order === 'DESCENDING') { ids.reverse(); }
  const token = fields.optionalText('nextToken');
  const from = token === undefined ? 0 : pageStart(fields, token);
  const end = from + MAXIMUM_PAGE;
  return { ids: ids.slice(from, end), ...(end < ids.length && { nextToken: pageToken(end) }) };
}

/** https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ListBuildsForProject.html */
const MAXIMUM_PAGE = 100;

function pageToken(start: number): string {
  return Buffer.from(`builds/${start}`).toString('base64url');
}

function pageStart(fields: Fields, token: string): number {
  const [, start] = /^builds\/(\d+)$/.exec(Buffer.from(token, 'base64url').toString()) ?? [];
  if (start === undefined) { throw fields.fail('nextToken', 'is not a token that an earlier call returned'); }
  return Number(start);
}

function idsOf(fields: Fields): string[] {
  const ids = fields.require('ids', fields.texts('ids'));
  // https://docs.aws.amazon.com/codebuild/latest/APIReference/API_BatchGetBuilds.html
  if (ids.length < 1 || ids.length > 100) { throw fields.fail('ids', `must have 1-100 members, got ${ids.length}`); }
  return ids;
}

function requireBuild(queue: BuildQueue, id: string): Build {
  const build = queue.find(id);
  if (!build) { throw new AwsError('ResourceNotFoundException', `Build ${id} cannot be found`); }
  return build;
}

/** `PROJECT` of `PROJECT:UUID` or of a build's ARN. */
function projectOf(buildId: string): string {
  return (buildId.split(':build/').pop() ?? buildId).split(':')[0];
}

function projectArn(context: CloudContext, nameOrArn: string): string {
  return `arn:${context.partition}:codebuild:${context.region}:${context.account}:project/`
    + `${nameOrArn.split(':project/').pop()}`;
}

function fieldsOf(input: Input): Fields {
  return new Fields(input, (name, problem) => new AwsError('InvalidInputException', problem === 'is required'
    ? `1 validation error detected: Value at '${name}' failed to satisfy constraint: Member must not be null`
    : `1 validation error detected: Value at '${name}' failed to satisfy constraint: it ${problem}`));
}
