import { Build, BuildRequest } from './build';
import { BuildRunner, RunnerOptions } from './runner';
import { randomUuid } from '../../core/naming';
import { AwsError, CloudContext } from '../../core/service';

export interface QueueOptions extends RunnerOptions {
  /** Concurrently running builds of the account's quota; new accounts often have 0 or 1. @default 60 */
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

  /** https://docs.aws.amazon.com/codebuild/latest/userguide/builds-working.html */
  private checkLimits({ project }: BuildRequest): void {
    const active = this.builds.filter(build => !build.isComplete);
    const queueLimit = this.options.queueLimit ?? 5 * this.limit;
    if (this.limit === 0 || active.length >= this.limit + queueLimit) {
      throw new AwsError('AccountLimitExceededException', `Cannot have more than ${queueLimit} builds in queue for the account`);
    }
    const ofProject = active.filter(build => build.request.project.name === project.name).length;
    if (project.concurrentBuildLimit !== undefined && ofProject >= project.concurrentBuildLimit) {
      throw new AwsError('AccountLimitExceededException', `Cannot have more than ${project.concurrentBuildLimit} active builds for the project`);
    }
  }

  private pump(): void {
    const slots = Math.min(this.limit, this.options.maxConcurrent ?? 2);
    while (!this.closed && this.running.size < slots) {
      const build = this.waiting.shift();
      if (!build) { return; }
      this.endTimer(build);
      build.end('SUCCEEDED');
      const run = new BuildRunner(this.context, build, this.options).run().catch((error: unknown) => {
        process.stderr.write(`stand-in failed: build ${build.id}: ${error instanceof Error ? error.stack : String(error)}\n`);
      }).finally(() => {
        this.running.delete(build);
        this.retry(build);
        this.pump();
      });
      this.running.set(build, run);
    }
  }

  /** A build that failed, not one that was stopped, is started again. */
  private retry(build: Build): void {
    const { request } = build;
    if (this.closed || build.status !== 'FAILED' || request.autoRetryNumber >= request.autoRetryLimit) { return; }
    try {
      const next = this.start({ ...request, autoRetryNumber: request.autoRetryNumber + 1, previousAutoRetry: build.arn });
      build.nextAutoRetry = next.arn;
    } catch (error) {
      if (!(error instanceof AwsError)) { throw error; }
      this.context.emit({ source: 'codebuild', resource: request.project.name, kind: 'not-retried', text: `${build.id}: ${error.message}` });
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
