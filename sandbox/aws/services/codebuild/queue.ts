import { Build, BuildRequest } from './build';
import { isLambdaCompute } from './environment';
import { BuildRunner, RunnerOptions } from './runner';
import { randomUuid, sessionOf } from '../../core/naming';
import { AwsError, CloudContext } from '../../core/service';

export interface QueueOptions extends RunnerOptions {
  /**
   * Concurrently running builds of the account's quota, for each environment and compute type; new accounts often have
   * 0 or 1.
   * @default 60
   */
  readonly accountLimit?: number;
  /** Builds that may wait. @default - five times the limit, as documented */
  readonly queueLimit?: number;
  /** Builds at a time on this machine; the others wait as they would in AWS. @default 2 */
  readonly maxConcurrent?: number;
}

/** Every build of the account: which may start, which wait, which run. */
export class BuildQueue {
  public readonly builds: Build[] = [];
  private readonly waiting: Build[] = [];
  /** Ends the timer of a build's time in the queue. */
  private readonly timers = new Map<Build, AbortController>();
  private readonly running = new Map<Build, Promise<void>>();
  private readonly numbers = new Map<string, number>();
  private limit: number;
  private closed = false;

  public constructor(private readonly context: CloudContext, private readonly options: QueueOptions) {
    this.limit = options.accountLimit ?? 60;
  }

  /** Changes the account's quota, as a support case does. */
  public set accountLimit(limit: number) {
    this.limit = limit;
    this.pump();
  }

  public start(request: BuildRequest): Build {
    this.checkLimits(request);
    const { name } = request.project;
    const number = (this.numbers.get(name) ?? 0) + 1;
    this.numbers.set(name, number);
    const build = new Build(this.context, request, number, randomUuid(this.context.random));
    this.builds.push(build);
    this.waiting.push(build);
    this.context.emit({ source: 'codebuild', resource: name, kind: 'started', text: build.id });
    void this.watchQueueTime(build);
    this.pump();
    return build;
  }

  public find(id: string): Build | undefined {
    return this.builds.find(build => build.id === id || build.arn === id);
  }

  public stop(build: Build): void {
    build.interrupt('STOPPED');
    this.drop(build, 'STOPPED');
  }

  public busy(): boolean {
    return this.waiting.length > 0 || this.running.size > 0;
  }

  public async close(): Promise<void> {
    this.closed = true;
    this.builds.forEach(build => this.stop(build));
    await Promise.all(this.running.values());
  }

  /**
   * Quotas count the builds of one environment and compute type; five times as many may wait. Lambda compute has no
   * queue.
   * @see https://docs.aws.amazon.com/codebuild/latest/userguide/limits.html
   */
  private checkLimits(request: BuildRequest): void {
    const { project } = request;
    const active = this.builds.filter(build => !build.isComplete);
    const queueLimit = isLambdaCompute(project.environment.type) ? 0 : this.options.queueLimit ?? 5 * this.limit;
    const ofKind = active.filter(build => sameKind(build.request, request)).length;
    if (this.limit === 0 || ofKind >= this.limit + queueLimit) {
      throw new AwsError(
        'AccountLimitExceededException',
        `Cannot have more than ${queueLimit} builds in queue for the account`,
      );
    }
    const ofProject = active.filter(build => build.request.project.name === project.name).length;
    if (project.concurrentBuildLimit !== undefined && ofProject >= project.concurrentBuildLimit) {
      throw new AwsError(
        'AccountLimitExceededException',
        `Cannot have more than ${project.concurrentBuildLimit} active builds for the project`,
      );
    }
  }

  /** Takes the next build whose kind has room in the account's quota. */
  private next(): Build | undefined {
    const running = [...this.running.keys()];
    const room = ({ request }: Build): boolean =>
      running.filter(other => sameKind(other.request, request)).length < this.limit;
    const build = this.waiting.find(room);
    if (build) { this.waiting.splice(this.waiting.indexOf(build), 1); }
    return build;
  }

  private pump(): void {
    while (!this.closed && this.running.size < (this.options.maxConcurrent ?? 2)) {
      const build = this.next();
      if (!build) { return; }
      this.endTimer(build);
      build.end('SUCCEEDED');
      const run = new BuildRunner(this.context, build, this.options).run().catch((error: unknown) => {
        process.stderr.write(`stand-in failed: build ${build.id}: `
          + `${error instanceof Error ? error.stack : String(error)}\n`);
      }).finally(() => {
        this.running.delete(build);
        this.retry(build);
        this.pump();
      });
      this.running.set(build, run);
    }
  }

  /**
   * Starts a build that failed (not one that was stopped) again. CodeBuild calls RetryBuild with the project's service
   * role; when the role may not, nothing retries and the account sees only the denied call.
   * @see https://docs.aws.amazon.com/codebuild/latest/userguide/auto-retry-build.html
   */
  private retry(build: Build): void {
    const { request } = build;
    if (this.closed || build.status !== 'FAILED' || request.autoRetryNumber >= request.autoRetryLimit) { return; }
    try {
      const role = sessionOf(this.context, request.project.serviceRole, 'AWSCodeBuild-AutoRetry');
      this.context.authorize(role, [{ action: 'codebuild:RetryBuild', resource: request.project.arn }]);
      const next = this.start({
        ...request,
        autoRetryNumber: request.autoRetryNumber + 1,
        previousAutoRetry: build.arn,
      });
      build.nextAutoRetry = next.arn;
    } catch (error) {
      if (!(error instanceof AwsError)) { throw error; }
      this.context.emit({
        source: 'codebuild',
        resource: request.project.name,
        kind: 'not-retried',
        text: `${build.id}: ${error.message}`,
      });
    }
  }

  /** A build that waits too long leaves the queue. */
  private async watchQueueTime(build: Build): Promise<void> {
    const timer = new AbortController();
    this.timers.set(build, timer);
    await this.context.clock.sleep(build.request.queuedTimeoutInMinutes * 60_000, timer.signal);
    this.drop(build, 'TIMED_OUT');
  }

  private endTimer(build: Build): void {
    this.timers.get(build)?.abort();
    this.timers.delete(build);
  }

  private drop(build: Build, status: 'STOPPED' | 'TIMED_OUT'): void {
    const at = this.waiting.indexOf(build);
    if (at < 0) { return; }
    this.waiting.splice(at, 1);
    this.endTimer(build);
    build.end(status);
    build.complete(status);
  }
}

function sameKind(left: BuildRequest, right: BuildRequest): boolean {
  const [a, b] = [left.project.environment, right.project.environment];
  return a.type === b.type && a.computeType === b.computeType;
}
