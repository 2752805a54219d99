import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DeployOptions, LocalCloudOptions, Services } from './cloud-options';
import { Faults, seededRandom } from '../faults';
import { HttpServer } from '../http-server';
import { AssemblyStack, loadAssembly } from './core/assembly';
import { Clock } from './core/clock';
import { CoreContext } from './core/context';
import { startEndpoint } from './core/endpoint';
import { Iam } from './core/iam';
import { IamReport } from './core/iam-ledger';
import { urlSuffix } from './core/naming';
import { AssumedBy, AwsError, CloudEvent, Input, Principal, RequiredPermission, ServiceModule } from './core/service';
import { Sessions } from './core/sessions';
import { Stack } from './core/stack';
import { createApiGateway } from './services/api-gateway/api-gateway';
import { CloudWatch, createCloudWatch } from './services/cloudwatch/cloudwatch';
import { createCodeBuild } from './services/codebuild/codebuild';
import { createCustomResources } from './services/custom-resource/custom-resource';
import { createEc2 } from './services/ec2/ec2';
import { createEcr } from './services/ecr/ecr';
import { createIam } from './services/iam/iam';
import { createKms } from './services/kms/kms';
import { createLambda } from './services/lambda/lambda';
import { createLogs, LogEvent } from './services/logs/logs';
import { createScheduler } from './services/scheduler/scheduler';
import { createSecretsManager } from './services/secrets-manager/secrets-manager';
import { createSqs } from './services/sqs/sqs';

export type { DeployOptions, LocalCloudOptions, Services } from './cloud-options';

/** An AWS account on this machine. It runs what a synthesized template says and enforces the template's IAM. */
export class LocalCloud {
  public static async start(options: LocalCloudOptions = {}): Promise<LocalCloud> {
    const cloud = new LocalCloud(options);
    try {
      await cloud.begin(options);
    } catch (error) {
      await cloud.close();
      throw error;
    }
    return cloud;
  }

  public readonly account: string;
  public readonly region: string;
  public readonly partition: string;
  public readonly clock: Clock;
  public readonly iam: Iam;
  public readonly administrator: Principal;
  private readonly directory = mkdtempSync(join(tmpdir(), 'local-cloud-'));
  private readonly random: () => number;
  private readonly sessions: Sessions;
  private readonly listeners = new Set<(event: CloudEvent) => void>();
  private readonly modules = new Map<string, ServiceModule>();
  private readonly assets = new Map<string, string>();
  private readonly aliases = new Map<string, string>();
  private readonly stacks: Stack[] = [];
  private endpoint: HttpServer | undefined;
  private handles: Services | undefined;
  private context: CoreContext | undefined;

  private constructor(private readonly options: LocalCloudOptions) {
    this.account = options.account ?? '111122223333';
    this.region = options.region ?? 'eu-west-1';
    this.partition = this.region.startsWith('cn-')
      ? 'aws-cn'
      : this.region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
    this.clock = options.clock ?? new Clock();
    this.random = seededRandom(options.seed ?? 1);
    this.sessions = new Sessions(this.random);
    this.administrator = { arn: `arn:${this.partition}:iam::${this.account}:root` };
    this.iam = new Iam({
      account: this.account,
      region: this.region,
      partition: this.partition,
      secureTransport: options.secureTransport,
      resourcePolicy: arn => this.resourcePolicy(arn),
    });
  }

  /** Where AWS calls go: `http://127.0.0.1:PORT`. */
  public get endpointUrl(): string {
    return this.server.url;
  }

  /** Faults of the AWS endpoint: `cloud.faults.add({ operation: 'StartBuild', fault: awsFault(...) })`. */
  public get faults(): Faults {
    return this.server.faults;
  }

  public get services(): Services {
    if (!this.handles) { throw new Error('the local cloud has not started'); }
    return this.handles;
  }

  /** Metrics and alarms. */
  public get metrics(): CloudWatch {
    return this.services.cloudWatch;
  }

  /** Creates a stack. @throws {DeploymentError} after its rollback */
  public async deploy(options: DeployOptions): Promise<Stack> {
    const first = this.load(options.assembly, options.stackName);
    const providers = [...this.modules.values()].flatMap(module => module.providers);
    const stack = new Stack(first.name, this.core, providers, options.parameters ?? {},
      published => published.assets.forEach((path, key) => this.assets.set(key, path)), assembly => this.load(
        assembly,
        first.name,
      ));
    await stack.update(first);
    this.stacks.push(stack);
    return stack;
  }

  /** Watches everything that happens. Returns what ends the watching. */
  public onEvent(listener: (event: CloudEvent) => void): () => void {
    this.listeners.add(listener);
    return () => { this.listeners.delete(listener); };
  }

  /** Calls an operation as the account's administrator. */
  public async call(service: string, operation: string, input: Input = {}): Promise<Record<string, unknown>> {
    return this.callAs(this.administrator, service, operation, input);
  }

  /** Credentials and region of a role for a process, as Lambda and CodeBuild get them. */
  public processEnvironment(roleArn: string, session: string, assumedBy?: AssumedBy): Record<string, string> {
    return this.core.processEnvironment(roleArn, session, assumedBy);
  }

  /** Resolves when no message, invocation or build is under way, and stays so for a moment. */
  public async idle(options: { readonly timeoutMs?: number; readonly settleMs?: number } = {}): Promise<void> {
    const end = performance.now() + (options.timeoutMs ?? 60_000);
    let quietSince = performance.now();
    while (performance.now() - quietSince < (options.settleMs ?? 250)) {
      const busy = this.busy();
      if (busy.length > 0) { quietSince = performance.now(); }
      if (performance.now() > end) {
        throw new Error(`the local cloud is still busy after ${options.timeoutMs ?? 60_000} ms: ${busy.join(', ')}`);
      }
      await delay(20);
    }
  }

  /** Services that have work queued or running. */
  public busy(): readonly string[] {
    return [...this.modules].filter(([, module]) => module.busy?.()).map(([name]) => name);
  }

  /** Which statement of the template allowed what, and which were never needed. */
  public iamReport(): IamReport {
    return this.iam.ledger.report();
  }

  /** Everything written to a log group, in order. */
  public logs(group: string): readonly LogEvent[] {
    return this.services.logs.events(group);
  }

  /**
   * The loopback address of a URL of this cloud:
   * `https://ID.execute-api.REGION.amazonaws.com/packages`. Another URL stays as it is.
   */
  public resolveUrl(url: string): string {
    const parsed = new URL(url);
    const target = this.aliases.get(parsed.host);
    return target === undefined ? url : `${target}${parsed.pathname}${parsed.search}`;
  }

  /** Ends every process and server. Stacks are not deleted first. */
  public async close(): Promise<void> {
    for (const module of [...this.modules.values()].reverse()) { await module.close?.(); }
    this.modules.clear();
    await this.endpoint?.close();
    this.listeners.clear();
    rmSync(this.directory, { recursive: true, force: true });
  }

  private get server(): HttpServer {
    if (!this.endpoint) { throw new Error('the local cloud has not started'); }
    return this.endpoint;
  }

  private get core(): CoreContext {
    if (!this.context) { throw new Error('the local cloud has not started'); }
    return this.context;
  }

  private async begin(options: LocalCloudOptions): Promise<void> {
    this.endpoint = await startEndpoint({
      region: this.region,
      faults: options.faults ?? new Faults(options.seed ?? 1),
      sessions: this.sessions,
      // Programs sign with the machine's time, whatever a test makes of the cloud's clock.
      now: () => Date.now(),
      services: () => [...this.modules.values()].flatMap(module => module.service ?? []),
      call: async (caller, service, operation, input) => this.callAs(caller, service, operation, input),
      onError: (operation, caller, error) => this.emit({
        source: 'aws',
        resource: operation,
        kind: 'refused',
        text: `${error.code}: ${error.message}`,
        detail: { caller },
      }),
    });
    const context = this.createContext(this.endpoint.url);
    this.context = context;
    // The SDK sends SQS calls to the host of the queue's URL, whatever AWS_ENDPOINT_URL says (`useQueueUrlAsEndpoint`).
    this.aliases.set(`sqs.${this.region}.${urlSuffix(this.partition)}`, this.endpoint.url);
    this.add('iam', createIam(context, this.iam));
    this.add('kms', createKms(context));
    this.add('ec2', createEc2(context));
    const logs = this.add('logs', createLogs(context));
    const cloudWatch = this.add('cloudwatch', createCloudWatch(context));
    const sqs = this.add('sqs', createSqs(context, options.sqs));
    const secretsManager = this.add('secretsmanager', createSecretsManager(context));
    const ecr = options.ecrBacking
      && this.add('ecr', await createEcr(context, { ...options.ecr, backing: options.ecrBacking }));
    const codeBuild = this.add('codebuild', createCodeBuild(context, options.codebuild));
    const lambda = this.add('lambda', createLambda(context, options.lambda));
    const apiGateway = this.add('apigateway', createApiGateway(context, options.apiGateway));
    const scheduler = this.add('scheduler', createScheduler(context));
    const customResources = this.add('cloudformation', await createCustomResources(context));
    for (const [name, create] of Object.entries(options.extraModules ?? {})) { this.add(name, await create(context)); }
    this.onEvent(event => customResources.watch(event));
    this.handles = {
      apiGateway,
      cloudWatch,
      codeBuild,
      customResources,
      ecr,
      lambda,
      logs,
      scheduler,
      secretsManager,
      sqs,
    };
  }

  private add<T extends ServiceModule>(name: string, module: T): T {
    this.modules.set(name, module);
    return module;
  }

  private createContext(endpointUrl: string): CoreContext {
    const { account, region, partition, clock, random, aliases, administrator } = this;
    mkdirSync(this.directory, { recursive: true });
    return {
      account,
      region,
      partition,
      clock,
      random,
      aliases,
      administrator,
      endpointUrl,
      directory: this.directory,
      nodeBinary: this.options.nodeBinary ?? process.env.LAMBDA_NODE ?? process.execPath,
      runtimeModules: this.options.runtimeModules ?? [
        ...(process.env.LAMBDA_RUNTIME_MODULES ?? '').split(':').filter(Boolean),
        join(__dirname, '../../node_modules'),
      ],
      emit: event => this.emit(event),
      call: async (caller, service, operation, input) => this.callAs(caller, service, operation, { ...input }),
      authorize: (caller, permissions) => permissions.forEach(permission => this.iam.authorize(caller, permission)),
      isAllowed: (caller: Principal, permission: RequiredPermission) => this.iam.isAllowed(caller, permission),
      assumeRole: (roleArn, session, assumedBy) => this.assumeRole(roleArn, session, assumedBy),
      processEnvironment: (roleArn, session, assumedBy) => {
        const principal = assumedBy ? this.assumeRole(roleArn, session, assumedBy) : this.session(roleArn, session);
        const credentials = this.sessions.issue(principal);
        return {
          AWS_ACCESS_KEY_ID: credentials.accessKeyId,
          AWS_DEFAULT_REGION: region,
          AWS_ENDPOINT_URL: endpointUrl,
          AWS_REGION: region,
          AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
          AWS_SESSION_TOKEN: credentials.sessionToken,
        };
      },
      asset: (bucket, key) => {
        const path = this.assets.get(`${bucket}/${key}`);
        if (path === undefined) { throw new AwsError('NoSuchKey', `The assembly published nothing as s3://${bucket}/${key}; it has ${[...this.assets.keys()].join(', ')}`, 404); }
        return path;
      },
    };
  }

  private assumeRole(roleArn: string, session: string, assumedBy: AssumedBy): Principal {
    this.iam.assume({ service: assumedBy.service, arn: assumedBy.service, sourceArn: assumedBy.sourceArn }, roleArn);
    return this.session(roleArn, session);
  }

  private session(roleArn: string, session: string): Principal {
    // Session names have 64 characters at most.
    return {
      roleArn,
      arn: `arn:${this.partition}:sts::${this.account}:assumed-role/${this.iam.role(roleArn).name}/`
        + `${session.slice(0, 64)}`,
    };
  }

  private async callAs(
    caller: Principal,
    serviceName: string,
    operationName: string,
    input: Input,
  ): Promise<Record<string, unknown>> {
    const service = [...this.modules.values()].find(module => module.service?.name === serviceName)?.service;
    const operation = service?.operations[operationName];
    if (!operation) {
      throw new AwsError(
        'UnknownOperationException',
        `The local cloud has no ${serviceName}:${operationName}; add it in sandbox/aws/services/`,
        404,
      );
    }
    operation.permissions(input).forEach(permission => this.iam.authorize(caller, permission));
    return { ...await operation.handle(input, caller) };
  }

  private resourcePolicy(arn: string): object | undefined {
    const name = arn.split(':')[2];
    const service = [...this.modules.values()].find(module => module.service?.name === name)?.service;
    return service?.resourcePolicy?.(arn);
  }

  private emit(event: CloudEvent): void {
    this.listeners.forEach(listener => listener(event));
  }

  private load(assembly: string, stackName: string | undefined): AssemblyStack {
    const stacks = loadAssembly(assembly, this);
    const found = stackName === undefined && stacks.length === 1
      ? stacks[0]
      : stacks.find(stack => stack.name === stackName);
    if (!found) {
      throw new Error(`${assembly}: which stack? It holds ${stacks.map(stack => stack.name).join(', ')}; `
        + `pass stackName (got ${String(stackName)})`);
    }
    return found;
  }
}
