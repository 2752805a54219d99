import { FunctionConfig } from './function';
import { CoreContext } from '../../core/context';
import { AwsError, Principal } from '../../core/service';

/** The log stream of one sandbox: written with the function's own role, as Lambda does. */
export class FunctionLog {
  private created = false;
  private events: { timestamp: number; message: string }[] = [];
  private requestId = '';

  constructor(
    private readonly context: CoreContext,
    private readonly caller: Principal,
    private readonly functionName: string,
    private readonly group: string,
    private readonly stream: string,
    private readonly config: FunctionConfig,
  ) {}

  public add(message: string): void {
    this.events.push({ timestamp: this.context.clock.now(), message });
    this.context.emit({
      source: 'lambda',
      resource: this.functionName,
      kind: 'log',
      text: message.trimEnd(),
      detail: { requestId: this.requestId },
    });
  }

  /** @param coldRuntime set for the first invocation of a process */
  public start(requestId: string, coldRuntime?: string): void {
    this.requestId = requestId;
    if (coldRuntime !== undefined) {
      this.platform(`INIT_START Runtime Version: ${coldRuntime}`, 'platform.initStart', {
        runtimeVersion: coldRuntime,
      });
    }
    this.platform(`START RequestId: ${requestId} Version: $LATEST`, 'platform.start', {
      requestId,
      version: '$LATEST',
    });
  }

  public async end(requestId: string, durationMs: number, memoryMb: number, error?: string): Promise<void> {
    const billed = Math.ceil(durationMs);
    if (!this.config.jsonLogs) { this.platform(`END RequestId: ${requestId}`, 'platform.runtimeDone', { requestId }); }
    this.platform(
      `REPORT RequestId: ${requestId}\tDuration: ${durationMs.toFixed(2)} ms\tBilled Duration: `
        + `${billed} ms\tMemory Size: ${memoryMb} MB\t${error === undefined ? '' : 'Status: error\t'}`,
      'platform.report',
      {
        requestId,
        status: error === undefined ? 'success' : 'error',
        metrics: { durationMs, billedDurationMs: billed, memorySizeMB: memoryMb },
      },
    );
    await this.flush();
  }

  private platform(text: string, type: string, record: object): void {
    const now = this.context.clock.now();
    if (!this.config.jsonLogs) {
      this.events.push({ timestamp: now, message: text });
    } else if (this.config.systemLogLevel !== 'WARN') {
      this.events.push({
        timestamp: now,
        message: JSON.stringify({ time: new Date(now).toISOString(), type, record }),
      });
    }
  }

  private async flush(): Promise<void> {
    const logEvents = this.events.splice(0);
    if (logEvents.length === 0) { return; }
    try {
      if (!this.created) { await this.createStream(); }
      this.created = true;
      await this.context.call(
        this.caller,
        'logs',
        'PutLogEvents',
        { logGroupName: this.group, logStreamName: this.stream, logEvents },
      );
    } catch (error) {
      if (!(error instanceof AwsError)) { throw error; }
      // Lambda drops the log without a word; here somebody should hear it.
      this.context.emit({ source: 'lambda', resource: this.functionName, kind: 'log-lost', text: error.message });
    }
  }

  private async createStream(): Promise<void> {
    const stream = { logGroupName: this.group, logStreamName: this.stream };
    try {
      await this.context.call(this.caller, 'logs', 'CreateLogStream', stream);
    } catch (error) {
      if (!(error instanceof AwsError) || error.code !== 'ResourceNotFoundException') { throw error; }
      await this.context.call(this.caller, 'logs', 'CreateLogGroup', { logGroupName: this.group });
      await this.context.call(this.caller, 'logs', 'CreateLogStream', stream);
    }
  }
}
