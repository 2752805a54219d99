import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isRecord, parseJson } from './json';
import { AwsError, AwsService, Input, Principal } from './service';
import { Sessions } from './sessions';
import { parseAuthorization, verifySignature } from './sigv4';
import { Fault, Faults } from '../../faults';
import { HttpServer, readBody, serve } from '../../http-server';

export interface EndpointOptions {
  readonly region: string;
  readonly faults?: Faults;
  readonly sessions: Sessions;
  now(): number;
  services(): readonly AwsService[];
  call(caller: Principal, service: string, operation: string, input: Input): Promise<object>;
  /** Told of every refused call, so that it is seen even when the program swallows it. */
  onError(operation: string, caller: string, error: AwsError): void;
}

interface Route {
  readonly service: AwsService;
  readonly operation: string;
  readonly input: Input;
}

/** The one HTTP endpoint of every AWS API: authenticates the caller, finds the operation, answers as AWS would. */
export async function startEndpoint(options: EndpointOptions): Promise<HttpServer> {
  return serve((request, response) => answer(options, request, response), { faults: options.faults });
}

async function answer(options: EndpointOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readBody(request);
  const requestId = randomUUID();
  let caller = 'unauthenticated';
  let found: AwsService | undefined;
  try {
    const { principal, signingName } = authenticate(options, request, body);
    caller = principal.arn;
    const route = findRoute(options.services(), request, body, signingName);
    found = route.service;
    const output = await options.call(principal, route.service.name, route.operation, route.input);
    sendOutput(response, route, output, requestId);
  } catch (error) {
    if (!(error instanceof AwsError)) { throw error; }
    options.onError(`${String(request.headers['x-amz-target'] ?? `${request.method} ${request.url}`)}`, caller, error);
    sendError(response, found, error, requestId);
  }
}

function authenticate(
  options: EndpointOptions,
  request: IncomingMessage,
  body: Buffer,
): { principal: Principal; signingName: string } {
  const scope = parseAuthorization(request.headers.authorization);
  const credentials = options.sessions.find(scope.accessKeyId);
  const signed = { method: request.method ?? '', url: request.url ?? '/', headers: request.headers, body };
  verifySignature(signed, scope, credentials, options.region, options.now());
  return { principal: credentials.principal, signingName: scope.service };
}

function findRoute(
  services: readonly AwsService[],
  request: IncomingMessage,
  body: Buffer,
  signingName: string,
): Route {
  const target = request.headers['x-amz-target'];
  if (typeof target === 'string') {
    const [prefix, operation = ''] = split(target);
    const service = services.find(candidate => candidate.targetPrefix === prefix);
    if (!service || !(operation in service.operations)) { throw unknownOperation(target); }
    if (service.name !== signingName) {
      throw new AwsError(
        'InvalidSignatureException',
        `Credential should be scoped to correct service: '${service.name}'. (got '${signingName}')`,
        403,
      );
    }
    const input = parseInput(body);
    const trace = request.headers['x-amzn-trace-id'];
    const traced = typeof trace === 'string' ? service.traced?.(operation, input, trace) : undefined;
    return { service, operation, input: traced ?? input };
  }
  const url = new URL(request.url ?? '/', 'http://loopback');
  const headers = Object.fromEntries(Object.entries(request.headers).map(([key, value]) => [key, String(value)]));
  const service = services.find(candidate => candidate.name === signingName);
  const route = service?.rest?.(request.method ?? '', url.pathname, url.searchParams, headers, body);
  if (!service || !route) { throw unknownOperation(`${signingName} ${request.method} ${url.pathname}`); }
  return { service, ...route };
}

function split(target: string): readonly string[] {
  const at = target.lastIndexOf('.');
  return [target.slice(0, at), target.slice(at + 1)];
}

function unknownOperation(name: string): AwsError {
  return new AwsError(
    'UnknownOperationException',
    `The local cloud has no operation '${name}'; add it in sandbox/aws/services/`,
    404,
  );
}

function parseInput(body: Buffer): Input {
  let value: unknown;
  try {
    value = body.length === 0 ? {} : parseJson(body.toString('utf8'), 'request');
  } catch {
    throw new AwsError('SerializationException', 'The request body is not JSON');
  }
  if (!isRecord(value)) { throw new AwsError('SerializationException', 'The request body is not a JSON object'); }
  return value;
}

function sendOutput(response: ServerResponse, { service, operation }: Route, output: object, requestId: string): void {
  const answered = service.restResponse?.(operation, output);
  if (answered) {
    response.writeHead(
      answered.status,
      { 'x-amzn-requestid': requestId, 'content-type': 'application/json', ...answered.headers },
    ).end(answered.body);
    return;
  }
  const bytes = Buffer.from(JSON.stringify(output));
  response.writeHead(200, {
    'x-amzn-requestid': requestId,
    'content-type': `application/x-amz-json-${service.jsonVersion ?? '1.1'}`,
    'content-length': String(bytes.length),
  }).end(bytes);
}

function sendError(
  response: ServerResponse,
  service: AwsService | undefined,
  error: AwsError,
  requestId: string,
): void {
  const { status, headers, body } = errorAnswer(error, service);
  response.writeHead(status, { ...headers, 'x-amzn-requestid': requestId }).end(body);
}

function errorAnswer(
  error: AwsError,
  service?: AwsService,
): { status: number; headers: Record<string, string>; body: string } {
  const query = service?.queryErrorCode?.(error.code);
  return {
    // Lambda's REST API answers 403 where the JSON services answer 400.
    status: error.code === 'AccessDeniedException' && service?.rest ? 403 : error.status,
    headers: {
      'content-type': `application/x-amz-json-${service?.jsonVersion ?? '1.1'}`,
      'x-amzn-errortype': error.code,
      // The code that clients of the older query protocol know:
      // https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#aws-protocols-awsquerycompatible-trait
      ...(query === undefined
        ? {}
        : { 'x-amzn-query-error': `${query};${error.status >= 500 ? 'Receiver' : 'Sender'}` }),
    },
    body: JSON.stringify({ __type: error.code, message: error.message }),
  };
}

/** A fault that looks like the service's own error: `awsFault('ThrottlingException', 'Rate exceeded')`. */
export function awsFault(code: string, message: string, status = 400): Fault {
  return { kind: 'status', ...errorAnswer(new AwsError(code, message, status)) };
}
