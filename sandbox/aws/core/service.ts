import type { Clock } from './clock';

/** The caller: a role's session (the programs), or an AWS service that acts for a resource. */
export interface Principal {
  /** ARN of the role whose identity policies apply; undefined for a service principal. */
  readonly roleArn?: string;
  /** `lambda.amazonaws.com`, for calls that a service makes in its own name. */
  readonly service?: string;
  /** Account of a principal that isn't of this account: its own account's policies are taken to allow everything. */
  readonly account?: string;
  /** The caller's name in error messages: `arn:aws:sts::111122223333:assumed-role/NAME/SESSION`. */
  readonly arn: string;
  /** Context of a service principal's call: the resource on whose behalf it acts (aws:SourceArn). */
  readonly sourceArn?: string;
}

/** The service that takes on a role, and for which of its resources. */
export interface AssumedBy {
  /** `lambda.amazonaws.com` */
  readonly service: string;
  /** Value of the condition key aws:SourceArn. */
  readonly sourceArn?: string;
}

/** A permission that a call needs. All permissions of a call are checked. */
export interface RequiredPermission {
  /** `sqs:SendMessage` */
  readonly action: string;
  /** ARN, or `*` for an action without resource types. */
  readonly resource: string;
  /** Condition keys beside the global ones; an empty list is a key that this request lacks, `KEY/` a family of them. */
  readonly context?: Readonly<Record<string, string | readonly string[]>>;
}

export interface Operation {
  /** Permissions that this input needs. */
  permissions(input: Input): readonly RequiredPermission[];
  handle(input: Input, caller: Principal): Promise<object> | object;
}

/** A request's input as it came over the wire: handlers parse it. */
export type Input = Readonly<Record<string, unknown>>;

/** One AWS API: its operations, spoken over AWS JSON 1.0/1.1 by the endpoint. */
export interface AwsService {
  /** Signing name in the credential scope: `sqs`, `secretsmanager`, `ecr`, `codebuild`. */
  readonly name: string;
  /** `AmazonSQS` of `X-Amz-Target: AmazonSQS.SendMessage`; undefined for REST services, which have `rest`. */
  readonly targetPrefix?: string;
  readonly jsonVersion?: '1.0' | '1.1';
  readonly operations: Readonly<Record<string, Operation>>;
  /** Maps a REST request to an operation (Lambda's Invoke); undefined when it is not known. */
  rest?(
    method: string, path: string, query: URLSearchParams, headers: Record<string, string>, body: Buffer,
  ): { operation: string; input: Input } | undefined;
  /** The HTTP answer of a REST operation; undefined sends the output as JSON with status 200. */
  restResponse?(
    operation: string,
    output: object,
  ): { status: number; headers: Record<string, string>; body: string | Buffer } | undefined;
  /**
   * The code that an error has in the older query protocol, for services that still send it (SQS:
   * `AWS.SimpleQueueService.NonExistentQueue`).
   */
  queryErrorCode?(code: string): string | undefined;
  /** Adds the trace header of a request (X-Amzn-Trace-Id) to its input, for a service that hands it on. */
  traced?(operation: string, input: Input, header: string): Input;
  /** Resource policy of an ARN, when this service keeps them (queues, secrets, functions). */
  resourcePolicy?(arn: string): object | undefined;
  close?(): Promise<void> | void;
}

/** An error as the service would answer it. */
export class AwsError extends Error {
  /** @param code the error's shape name: `RepositoryNotFoundException` */
  constructor(public readonly code: string, message: string, public readonly status = 400) {
    super(message);
    this.name = code;
  }
}

/** Interface of the cloud to a service. A service reaches another one through `call` alone. */
export interface CloudContext {
  readonly account: string;
  readonly region: string;
  readonly partition: string;
  readonly clock: Clock;
  /** Scratch directory; removed with the cloud. */
  readonly directory: string;
  /** Draws for everything random: the same seed gives the same run. */
  readonly random: () => number;
  /** Reports an event to whoever watches (demo, tests). */
  emit(event: CloudEvent): void;
  /** Calls an operation as `caller`, through the same IAM check as over HTTP. */
  call(caller: Principal, service: string, operation: string, input: object): Promise<Record<string, unknown>>;
  /** Throws the AccessDenied that AWS would answer, unless the caller's and the resource's policies allow all of it. */
  authorize(caller: Principal, permissions: readonly RequiredPermission[]): void;
  /**
   * AWS_* variables for a process that runs as this role: session credentials, region, endpoint.
   * @param assumedBy the service that takes on the role; the role's trust policy must
   * allow it. Every service passes it.
   */
  processEnvironment(roleArn: string, session: string, assumedBy?: AssumedBy): Record<string, string>;
  /** Directory or file of an asset that the assembly published under this bucket and key. */
  asset(bucket: string, key: string): string;
}

/** Something a watcher may want to see; `text` is one line without secrets. */
export interface CloudEvent {
  /** `lambda`, `sqs`, `codebuild`, `apigateway`, `cloudformation`, `scheduler`, `cloudwatch`, ... */
  readonly source: string;
  /** Logical or physical name of the resource. */
  readonly resource: string;
  /** `invoke`, `log`, `result`, `started`, `phase`, `finished`, ... */
  readonly kind: string;
  readonly text: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

// ------------------------------------------------------------------------------------------------ CloudFormation

export interface Resource {
  /** What `Ref` gives. */
  readonly physicalId: string;
  /** What `Fn::GetAtt` gives; a dot in the name is part of it. */
  readonly attributes: Readonly<Record<string, string>>;
}

export interface ResourceRequest {
  readonly logicalId: string;
  readonly stackName: string;
  /** The resource's type, for a provider of several (`Custom::*`); the engine always sends it. */
  readonly type?: string;
  /** ARN of the stack; the engine always sends it. */
  readonly stackId?: string;
  /** Resolved properties. */
  readonly properties: Record<string, unknown>;
}

/** Creates one CloudFormation resource type. */
export interface ResourceProvider {
  /** `AWS::SQS::Queue`, or `Custom::*` for all that begin so. */
  readonly type: string;
  /** Every top-level property that the provider understands (`*`: any). Another one refuses the template. */
  readonly properties: readonly string[];
  create(request: ResourceRequest): Promise<Resource> | Resource;
  update?(
    request: ResourceRequest,
    previous: Resource,
    previousProperties: Record<string, unknown>,
  ): Promise<Resource> | Resource;
  delete?(resource: Resource, request: ResourceRequest): Promise<void> | void;
}

/** A service file exports one of these: its API (if the programs call one) and its resource types. */
export interface ServiceModule {
  readonly service?: AwsService;
  readonly providers: readonly ResourceProvider[];
  /** True while work is queued or running, for `cloud.idle()`. */
  busy?(): boolean;
  close?(): Promise<void> | void;
}
