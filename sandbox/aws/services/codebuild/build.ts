import { once } from 'node:events';
import type { EnvironmentVariable, Project } from './project';
import { epochSeconds } from '../../core/naming';
import type { CloudContext } from '../../core/service';

export type BuildStatus = 'IN_PROGRESS' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'STOPPED' | 'FAULT';

export interface BuildPhase {
  readonly type: string;
  readonly startedAt: number;
  status?: BuildStatus;
  endedAt?: number;
  context?: { readonly statusCode: string; readonly message: string };
}

export interface BuildRequest {
  /** As it was when the build was asked for. */
  readonly project: Project;
  /** The project's variables with the request's over them. */
  readonly variables: readonly EnvironmentVariable[];
  readonly timeoutInMinutes: number;
  readonly queuedTimeoutInMinutes: number;
  readonly autoRetryLimit: number;
  readonly autoRetryNumber: number;
  readonly previousAutoRetry?: string;
  readonly initiator: string;
}

/** A build's record; what does the work is BuildRunner. */
export class Build {
  public readonly id: string;
  public readonly arn: string;
  public readonly logGroup: string;
  public readonly logStream: string;
  public readonly phases: BuildPhase[] = [];
  public readonly startedAt: number;
  /** Everything that it logged. */
  public readonly log: string[] = [];
  public status: BuildStatus = 'IN_PROGRESS';
  public endedAt: number | undefined;
  public nextAutoRetry: string | undefined;
  public exported: { name: string; value: string }[] = [];
  /** Why it has to end before its end. */
  public interruption: 'STOPPED' | 'TIMED_OUT' | undefined;
  private readonly interrupted = new AbortController();
  private readonly ended = new AbortController();

  public constructor(
    private readonly context: CloudContext,
    public readonly request: BuildRequest,
    public readonly number: number,
    uuid: string,
  ) {
    const { project } = request;
    this.id = `${project.name}:${uuid}`;
    this.arn = `arn:${context.partition}:codebuild:${context.region}:${context.account}:build/${this.id}`;
    this.logGroup = project.logGroup ?? `/aws/codebuild/${project.name}`;
    this.logStream = project.logStreamPrefix === undefined ? uuid : `${project.logStreamPrefix}/${uuid}`;
    this.startedAt = context.clock.now();
    this.begin('SUBMITTED');
    this.end('SUCCEEDED');
    this.begin('QUEUED');
  }

  /** Aborted when the build has to end early. */
  public get signal(): AbortSignal {
    return this.interrupted.signal;
  }

  public get isComplete(): boolean {
    return this.endedAt !== undefined;
  }

  public begin(type: string): void {
    this.phases.push({ type, startedAt: this.context.clock.now() });
    this.context.emit({
      source: 'codebuild',
      resource: this.request.project.name,
      kind: 'phase',
      text: `${this.id} ${type}`,
    });
  }

  public end(status: BuildStatus, context?: BuildPhase['context']): void {
    const phase = this.phases[this.phases.length - 1];
    phase.status = status;
    phase.endedAt = this.context.clock.now();
    phase.context = context;
  }

  public interrupt(why: 'STOPPED' | 'TIMED_OUT'): void {
    if (this.isComplete || this.interruption) { return; }
    this.interruption = why;
    this.interrupted.abort();
  }

  public complete(status: BuildStatus): void {
    this.begin('COMPLETED');
    this.status = status;
    this.endedAt = this.context.clock.now();
    this.context.emit({
      source: 'codebuild',
      resource: this.request.project.name,
      kind: 'finished',
      text: `${this.id} ${status}`,
    });
    this.ended.abort();
  }

  public async finished(): Promise<void> {
    if (!this.ended.signal.aborted) { await once(this.ended.signal, 'abort'); }
  }

  /** https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Build.html */
  public describe(): object {
    const { project, variables, ...request } = this.request;
    return {
      id: this.id,
      arn: this.arn,
      buildNumber: this.number,
      startTime: epochSeconds(this.startedAt),
      ...(this.endedAt !== undefined && { endTime: epochSeconds(this.endedAt) }),
      currentPhase: this.phases[this.phases.length - 1].type,
      buildStatus: this.status,
      buildComplete: this.isComplete,
      projectName: project.name,
      phases: this.phases.map(describePhase),
      source: {
        type: project.source ? 'S3' : 'NO_SOURCE',
        ...(project.source && { location: `${project.source.bucket}/${project.source.key}` }),
        buildspec: project.buildspecText,
      },
      artifacts: { location: '' },
      cache: { type: 'NO_CACHE' },
      environment: { ...project.environment, environmentVariables: variables },
      serviceRole: project.serviceRole,
      logs: {
        groupName: this.logGroup,
        streamName: this.logStream,
        cloudWatchLogsArn: `arn:${this.context.partition}:logs:${this.context.region}:${this.context.account}:`
          + `log-group:${this.logGroup}:log-stream:${this.logStream}`,
      },
      timeoutInMinutes: request.timeoutInMinutes,
      queuedTimeoutInMinutes: request.queuedTimeoutInMinutes,
      initiator: request.initiator,
      encryptionKey: project.encryptionKey,
      ...(project.vpc && { vpcConfig: project.vpc }),
      exportedEnvironmentVariables: this.exported,
      ...(request.autoRetryLimit > 0 && { autoRetryConfig: this.autoRetryConfig() }),
    };
  }

  private autoRetryConfig(): object {
    const { autoRetryLimit, autoRetryNumber, previousAutoRetry } = this.request;
    return {
      autoRetryLimit,
      autoRetryNumber,
      ...(previousAutoRetry !== undefined && { previousAutoRetry }),
      ...(this.nextAutoRetry !== undefined && { nextAutoRetry: this.nextAutoRetry }),
    };
  }
}

function describePhase(phase: BuildPhase): object {
  return {
    phaseType: phase.type,
    ...(phase.status !== undefined && { phaseStatus: phase.status }),
    startTime: epochSeconds(phase.startedAt),
    ...(phase.endedAt !== undefined && {
      endTime: epochSeconds(phase.endedAt),
      durationInSeconds: Math.round((phase.endedAt - phase.startedAt) / 1000),
    }),
    ...(phase.context && { contexts: [phase.context] }),
  };
}
