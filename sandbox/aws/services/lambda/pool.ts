import { cpSync, existsSync, mkdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { FunctionConfig } from './function';
import { traceHeader } from './lineage';
import { FunctionLog } from './log';
import { Sandbox, SandboxResult } from './sandbox';
import { checkVpc } from './vpc';
import { CoreContext } from '../../core/context';
import { isRecord, parseJson } from '../../core/json';
import { randomText, randomUuid, urlSuffix } from '../../core/naming';
import { AwsError, Principal } from '../../core/service';

/** What Invoke answers. */
export interface InvocationResult {
  readonly requestId: string;
  /** JSON text. */
  readonly payload: string;
  readonly functionError?: 'Unhandled';
}

interface Warm { readonly sandbox: Sandbox; readonly log: FunctionLog }

const MAX_RESPONSE_BYTES = 6_291_556;

/** A function with its warm processes: each takes one invocation at a time, more start as needed. */
export class FunctionPool {
  public readonly logGroup: string;
  public readonly session: Principal;
  private config: FunctionConfig;
  private codeDirectory = '';
  private environment: Record<string, string> = {};
  private readonly idle: Warm[] = [];
  private readonly running = new Set<Warm>();
  private closed = false;

  constructor(
    private readonly context: CoreContext,
    public readonly name: string,
    public readonly arn: string,
    config: FunctionConfig,
  ) {
    this.config = config;
    this.logGroup = config.logGroup ?? `/aws/lambda/${name}`;
    const assumedBy = { service: 'lambda.amazonaws.com', sourceArn: arn };
    try {
      this.session = context.assumeRole(config.roleArn, name, assumedBy);
    } catch (error) {
      if (!(error instanceof AwsError)) { throw error; }
      throw new AwsError(
        'InvalidParameterValueException',
        `The role defined for the function cannot be assumed by Lambda. (${error.message})`,
      );
    }
    this.configure(config);
  }

  public get settings(): FunctionConfig {
    return this.config;
  }

  public get active(): number {
    return this.running.size;
  }

  /** Takes a new configuration; warm processes of the old one are dropped. */
  public configure(config: FunctionConfig): void {
    checkVpc(this.context, this.session, config.vpc);
    this.config = config;
    this.codeDirectory = this.unpack(config);
    // A role that no longer may be assumed fails here, as it would at the next credentials.
    this.environment = {
      ...this.runtimeVariables(config),
      ...config.variables,
      ...this.context.processEnvironment(config.roleArn, this.name, {
        service: 'lambda.amazonaws.com',
        sourceArn: this.arn,
      }),
      // The SDK goes to the host of a queue's URL, and warns when its endpoint is another one. The bootstrap
      // leads that host to the local cloud.
      AWS_ENDPOINT_URL_SQS: `https://sqs.${this.context.region}.${urlSuffix(this.context.partition)}`,
    };
    this.idle.splice(0).forEach(({ sandbox }) => { void sandbox.kill(); });
  }

  /** @param cause trace header of the request that led to this invocation */
  public async invoke(payload: string, cause?: string): Promise<InvocationResult> {
    const limit = this.config.reservedConcurrency ?? 1000;
    if (this.running.size >= limit) {
      throw new AwsError('TooManyRequestsException', 'Rate Exceeded.', 429);
    }
    const config = this.config;
    if (this.closed) { throw new AwsError('ResourceNotFoundException', `Function not found: ${this.arn}`, 404); }
    // One that ended by itself between two invocations is gone.
    this.idle.splice(0, this.idle.length, ...this.idle.filter(({ sandbox }) => !sandbox.dead));
    const cold = this.idle.length === 0;
    const warm = this.idle.pop() ?? this.start();
    this.running.add(warm);
    const requestId = randomUuid(this.context.random);
    const started = performance.now();
    warm.log.start(requestId, cold ? config.runtime : undefined);
    try {
      const result = await warm.sandbox.invoke({
        requestId,
        payload,
        arn: this.arn,
        traceId: traceHeader(cause, this.name, this.context.clock.now(), this.context.random),
        timeoutMs: config.timeoutSeconds * 1000,
        aliases: Object.fromEntries(this.context.aliases),
      });
      const answer = toAnswer(result, requestId, config.timeoutSeconds);
      if (result.kind === 'timeout') {
        warm.log.add(`${new Date(this.context.clock.now()).toISOString()} ${requestId} Task timed out after `
          + `${config.timeoutSeconds.toFixed(2)} seconds\n`);
      }
      if (result.kind === 'exit') {
        warm.log.add(`RequestId: ${requestId} Error: Runtime exited with error: ${result.reason}`);
      }
      await warm.log.end(requestId, performance.now() - started, config.memoryMb, answer.functionError);
      return answer;
    } finally {
      this.running.delete(warm);
      if (!warm.sandbox.dead && config === this.config) { this.idle.push(warm); } else { await warm.sandbox.kill(); }
    }
  }

  public async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.idle.splice(0), ...this.running].map(({ sandbox }) => sandbox.kill()));
  }

  private start(): Warm {
    const now = new Date(this.context.clock.now());
    const stream = `${now.toISOString().slice(0, 10).replaceAll('-', '/')}/[$LATEST]`
      + `${randomText(this.context.random, 32, '0123456789abcdef')}`;
    const log = new FunctionLog(this.context, this.session, this.name, this.logGroup, stream, this.config);
    const sandbox = new Sandbox({
      nodeBinary: this.context.nodeBinary,
      // What Lambda's runtime does: most of the memory for the heap.
      nodeArguments: [`--max-old-space-size=${Math.floor(this.config.memoryMb * 0.9)}`],
      directory: this.codeDirectory,
      environment: { ...this.environment, AWS_LAMBDA_LOG_STREAM_NAME: stream },
      onLine: line => log.add(line),
    });
    return { sandbox, log };
  }

  /**
   * Copies the code away from the repository, so that a module which was not bundled isn't found in some node_modules
   * above it; only what Lambda's runtime brings is there.
   */
  private unpack(config: FunctionConfig): string {
    const source = this.context.asset(config.bucket, config.key);
    if (!statSync(source).isDirectory()) {
      throw new Error(`function ${this.name}: code asset ${source} is a file; the local cloud runs directories (add `
        + 'archives in sandbox/aws/services/lambda/pool.ts)');
    }
    const target = join(this.context.directory, 'lambda', this.name, config.key.replace(/\.zip$/, ''));
    if (!existsSync(target)) {
      mkdirSync(target, { recursive: true });
      cpSync(source, target, { recursive: true });
    }
    return target;
  }

  private runtimeVariables(config: FunctionConfig): Record<string, string> {
    const [major = ''] = config.runtime.match(/\d+/) ?? [];
    return {
      _HANDLER: config.handler,
      AWS_EXECUTION_ENV: `AWS_Lambda_${config.runtime}`,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(config.memoryMb),
      AWS_LAMBDA_FUNCTION_NAME: this.name,
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      AWS_LAMBDA_LOG_GROUP_NAME: this.logGroup,
      AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001',
      // An older Node than the runtime's would put the SDK's advice to upgrade into the function's log.
      ...(process.versions.node.startsWith(`${major}.`)
        ? {}
        : { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' }),
      ...(config.jsonLogs ? { AWS_LAMBDA_LOG_FORMAT: 'JSON', AWS_LAMBDA_LOG_LEVEL: config.applicationLogLevel } : {}),
      LAMBDA_RUNTIME_DIR: '/var/runtime',
      LAMBDA_TASK_ROOT: this.codeDirectory,
      LANG: 'en_US.UTF-8',
      NODE_PATH: `/opt/nodejs/node${major}/node_modules:/opt/nodejs/node_modules:${runtimeModules(this.context)}`,
      PATH: '/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin',
      TZ: ':UTC',
    };
  }
}

/** A node_modules with nothing in it but the AWS SDK, as in `/var/runtime`. */
function runtimeModules(context: CoreContext): string {
  const directory = join(context.directory, 'runtime', 'node_modules');
  if (existsSync(directory)) { return directory; }
  mkdirSync(join(directory, '@aws-sdk'), { recursive: true });
  for (const client of [
    'client-lambda',
    'client-sfn',
    'client-sqs',
    'client-secrets-manager',
    'client-ecr',
    'client-codebuild',
  ]) {
    const source = context.runtimeModules.map(modules => join(modules, '@aws-sdk', client)).find(existsSync);
    if (source) {
      symlinkSync(source, join(directory, '@aws-sdk', client));
    } else {
      context.emit({
        source: 'lambda',
        resource: client,
        kind: 'runtime-incomplete',
        text: `@aws-sdk/${client} is in none of ${context.runtimeModules.join(', ')}: a function that takes it from `
          + `Lambda's runtime will not find it (npm install --save-dev @aws-sdk/${client})`,
      });
    }
  }
  return directory;
}

function toAnswer(result: SandboxResult, requestId: string, timeoutSeconds: number): InvocationResult {
  const failed = (payload: object): InvocationResult => ({
    requestId,
    payload: JSON.stringify(payload),
    functionError: 'Unhandled',
  });
  switch (result.kind) {
    case 'timeout':
      return failed({
        errorType: 'Sandbox.Timedout',
        errorMessage: `RequestId: ${requestId} Error: Task timed out after ${timeoutSeconds.toFixed(2)} seconds`,
      });
    case 'exit':
      return failed({
        errorType: 'Runtime.ExitError',
        errorMessage: `RequestId: ${requestId} Error: Runtime exited with error: ${result.reason}`,
      });
    case 'error':
      return { requestId, payload: result.payload, functionError: 'Unhandled' };
    case 'result':
      if (Buffer.byteLength(result.payload) > MAX_RESPONSE_BYTES) {
        return failed({
          errorType: 'Function.ResponseSizeTooLarge',
          errorMessage: `Response payload size exceeded maximum allowed payload size (${MAX_RESPONSE_BYTES} bytes).`,
        });
      }
      return { requestId, payload: result.payload };
  }
}

/** The message of a function error's payload. */
export function errorMessage(result: InvocationResult): string {
  const payload = parseJson(result.payload, 'payload');
  return isRecord(payload) ? `${String(payload.errorType)}: ${String(payload.errorMessage)}` : result.payload;
}
