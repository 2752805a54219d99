import { AsyncQueue } from './async';
import { eventSourceProvider, EventSources } from './event-source';
import { FUNCTION_PROPERTIES, parseFunction } from './function';
import { chainLength, MAXIMUM_CHAIN } from './lineage';
import { permissionProvider, FunctionPermissions } from './permission';
import { errorMessage, FunctionPool, InvocationResult } from './pool';
import { CoreContext } from '../../core/context';
import { number, optionalNumber, optionalString, string } from '../../core/json';
import { physicalName } from '../../core/naming';
import { AwsError, AwsService, Input, Resource, ResourceProvider, ServiceModule } from '../../core/service';

/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAX_REQUEST_BYTES = 6 * 1024 * 1024;
const MAX_ASYNC_REQUEST_BYTES = 1024 * 1024;

export interface LambdaOptions {
  /** Concurrent executions of the account; new accounts may have 10. @default 1000 */
  readonly accountConcurrency?: number;
}

export interface Lambda extends ServiceModule {
  readonly service: AwsService;
  readonly functions: ReadonlyMap<string, FunctionPool>;
  /** Invokes as the account's administrator would. */
  invoke(name: string, event: unknown): Promise<InvocationResult>;
}

/** AWS Lambda: every function runs in processes of its own, with its role's credentials. */
export function createLambda(context: CoreContext, options: LambdaOptions = {}): Lambda {
  const functions = new Map<string, FunctionPool>();
  const permissions: FunctionPermissions = new Map();
  const sources = new EventSources(context, arn => find(arn));
  const prefix = `arn:${context.partition}:lambda:${context.region}:${context.account}:function:`;

  function find(reference: string): FunctionPool {
    const name = functionName(reference);
    const pool = functions.get(name);
    if (!pool) { throw new AwsError('ResourceNotFoundException', `Function not found: ${prefix}${name}`, 404); }
    return pool;
  }
  const run = async (pool: FunctionPool, payload: string, trace?: string): Promise<InvocationResult> => {
    context.emit({ source: 'lambda', resource: pool.name, kind: 'invoke', text: payload.slice(0, 200) });
    try {
      const started = performance.now();
      const result = await pool.invoke(payload, trace);
      const failed = result.functionError !== undefined;
      await publish(
        context,
        pool.name,
        { Invocations: 1, Errors: failed ? 1 : 0, Duration: performance.now() - started },
      );
      const text = failed ? errorMessage(result) : result.payload.slice(0, 200);
      context.emit({
        source: 'lambda',
        resource: pool.name,
        kind: failed ? 'error' : 'result',
        text,
        detail: { requestId: result.requestId },
      });
      return result;
    } catch (error) {
      if (error instanceof AwsError && error.status === 429) { await publish(context, pool.name, { Throttles: 1 }); }
      throw error;
    }
  };
  const later = new AsyncQueue(context, run);
  const invoke = async (input: Input): Promise<object> => {
    const pool = find(string(input.FunctionName, 'FunctionName'));
    const payload = input.Payload === undefined || input.Payload === '' ? '{}' : string(input.Payload, 'Payload');
    const type = optionalString(input.InvocationType, 'InvocationType') ?? 'RequestResponse';
    const trace = optionalString(input.TraceHeader, 'TraceHeader');
    checkPayload(payload, type);
    refuseLoop(pool, trace);
    if (type === 'Event') { return { StatusCode: 202, RequestId: later.add(pool, payload, trace) }; }
    const result = await run(pool, payload, trace);
    return {
      StatusCode: 200,
      ExecutedVersion: '$LATEST',
      Payload: result.payload,
      RequestId: result.requestId,
      ...(result.functionError === undefined ? {} : { FunctionError: result.functionError }),
    };
  };
  const service: AwsService = {
    name: 'lambda',
    resourcePolicy: arn => permissions.has(functionName(arn))
      ? { Version: '2012-10-17', Statement: [...permissions.get(functionName(arn))?.values() ?? []] }
      : undefined,
    operations: {
      Invoke: {
        permissions: input => [{
          action: 'lambda:InvokeFunction',
          resource: prefix + functionName(String(input.FunctionName)),
          context: { 'lambda:FunctionUrlAuthType': [] },
        }],
        handle: invoke,
      },
      GetFunction: {
        permissions: input => [{
          action: 'lambda:GetFunction',
          resource: prefix + functionName(String(input.FunctionName)),
        }],
        handle: input => {
          const { name, arn, settings } = find(String(input.FunctionName));
          return {
            Configuration: {
              FunctionName: name,
              FunctionArn: arn,
              Runtime: settings.runtime,
              Handler: settings.handler,
              Role: settings.roleArn,
              State: 'Active',
              LastUpdateStatus: 'Successful',
            },
          };
        },
      },
    },
    rest,
    restResponse,
  };
  return {
    service,
    functions,
    providers: [
      functionProvider(context, functions, prefix, later, options.accountConcurrency ?? 1000),
      permissionProvider(permissions, functionName),
      eventSourceProvider(context, sources),
    ],
    invoke: async (name, event) => run(find(name), JSON.stringify(event)),
    busy: () => later.busy() || sources.busy() || [...functions.values()].some(pool => pool.active > 0),
    close: async () => {
      later.close();
      // Invocations under way end with their processes; only then do the batches that they belong to.
      const stopped = sources.close();
      await Promise.all([...functions.values()].map(pool => pool.close()));
      await stopped;
    },
  };
}

/** `name`, `account:function:name` or an ARN, with or without a version. */
export function functionName(reference: string): string {
  const match = /(?:^|function:)([A-Za-z0-9_-]+)(?::(?:\$LATEST|\*))?$/.exec(reference);
  if (!match?.[1]) {
    throw new AwsError(
      'InvalidParameterValueException',
      `'${reference}' names no function (aliases and versions aren't modelled)`,
    );
  }
  return match[1];
}

/** https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors */
function refuseLoop(pool: FunctionPool, trace: string | undefined): void {
  if (chainLength(trace, pool.name) < MAXIMUM_CHAIN) { return; }
  throw new AwsError('RecursiveInvocationException',
    'Lambda has detected your function being invoked in a recursive loop with other AWS resources and stopped it.');
}

function checkPayload(payload: string, type: string): void {
  const limit = type === 'Event' ? MAX_ASYNC_REQUEST_BYTES : MAX_REQUEST_BYTES;
  if (type !== 'Event' && type !== 'RequestResponse') {
    throw new AwsError('InvalidParameterValueException', `InvocationType '${type}' isn't modelled`);
  }
  if (Buffer.byteLength(payload) > limit) {
    throw new AwsError(
      'RequestTooLargeException',
      `Request must be smaller than ${limit} bytes for the InvokeFunction operation`,
      413,
    );
  }
  try {
    JSON.parse(payload);
  } catch (error) {
    throw new AwsError(
      'InvalidRequestContentException',
      `Could not parse request body into json: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
function rest(
  method: string, path: string, _: URLSearchParams, headers: Record<string, string>, body: Buffer,
): { operation: string; input: Input } | undefined {
  const [, encoded = '', invocations] = /^\/2015-03-31\/functions\/([^/]+)(\/invocations)?$/.exec(path) ?? [];
  const FunctionName = decodeURIComponent(encoded);
  if (method === 'POST' && invocations) {
    const [InvocationType, TraceHeader] = [headers['x-amz-invocation-type'], headers['x-amzn-trace-id']];
    return {
      operation: 'Invoke',
      input: { FunctionName, InvocationType, Payload: body.toString('utf8'), TraceHeader },
    };
  }
  return method === 'GET' && encoded !== '' && !invocations
    ? { operation: 'GetFunction', input: { FunctionName } }
    : undefined;
}

function restResponse(
  operation: string,
  output: object,
): { status: number; headers: Record<string, string>; body: string } | undefined {
  if (operation !== 'Invoke') { return undefined; }
  const { StatusCode: status, Payload: payload, FunctionError: error } = { ...output } as Record<string, unknown>;
  const headers = {
    'x-amz-executed-version': '$LATEST',
    ...(error === undefined ? {} : { 'x-amz-function-error': String(error) }),
  };
  return { status: number(status, 'StatusCode'), headers, body: payload === undefined ? '' : String(payload) };
}

async function publish(context: CoreContext, name: string, values: Readonly<Record<string, number>>): Promise<void> {
  for (const [MetricName, Value] of Object.entries(values)) {
    const metric = { Namespace: 'AWS/Lambda', MetricName, Dimensions: { FunctionName: name }, Value };
    await context.call(
      { service: 'lambda.amazonaws.com', arn: 'lambda.amazonaws.com' },
      'monitoring',
      'EmitServiceMetrics',
      metric,
    );
  }
}

function functionProvider(
  context: CoreContext, functions: Map<string, FunctionPool>, prefix: string, later: AsyncQueue, concurrency: number,
): ResourceProvider {
  const checkReserve = (properties: Readonly<Record<string, unknown>>, own: string): void => {
    const others = [...functions.values()].filter(pool => pool.name !== own);
    const reserved = others.reduce((sum, { settings }) => sum + (settings.reservedConcurrency ?? 0), 0);
    refuseLowReserve(properties.ReservedConcurrentExecutions, concurrency - reserved);
  };
  const resourceOf = (name: string): Resource => ({ physicalId: name, attributes: { Arn: prefix + name } });
  return {
    type: 'AWS::Lambda::Function',
    properties: FUNCTION_PROPERTIES,
    create: request => {
      const name = optionalString(request.properties.FunctionName, 'FunctionName')
        ?? physicalName(context, request, 64);
      if (functions.has(name)) {
        throw new AwsError('ResourceConflictException', `Function already exist: ${name}`, 409);
      }
      checkReserve(request.properties, name);
      functions.set(name, new FunctionPool(context, name, prefix + name, parseFunction(request.properties)));
      return resourceOf(name);
    },
    update: (request, previous) => {
      checkReserve(request.properties, previous.physicalId);
      functions.get(previous.physicalId)?.configure(parseFunction(request.properties));
      return previous;
    },
    delete: async resource => {
      const pool = functions.get(resource.physicalId);
      functions.delete(resource.physicalId);
      if (pool) { later.drop(pool); }
      await pool?.close();
    },
  };
}

/** @param available executions of the account that no other function has reserved */
function refuseLowReserve(value: unknown, available: number): void {
  const reserved = optionalNumber(value, 'ReservedConcurrentExecutions');
  // The account keeps 100 unreserved: https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
  if (reserved !== undefined && (reserved < 0 || available - reserved < 100)) {
    throw new AwsError(
      'InvalidParameterValueException',
      "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its "
        + `minimum value of [100]. (got ${reserved})`,
    );
  }
}
