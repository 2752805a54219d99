import type { IncomingMessage, ServerResponse } from 'node:http';
import { accessLogLine } from './access-log';
import { commonLogTime, HttpAnswer, HttpRequest, toAnswer, toEvent } from './event';
import { Integration, Route, Stage } from './model';
import { HttpServer, readBody, serve } from '../../../http-server';
import { CoreContext } from '../../core/context';
import { parseJson } from '../../core/json';
import { randomText, randomUuid } from '../../core/naming';
import { AwsError } from '../../core/service';

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html */
const MAX_PAYLOAD_BYTES = 10 * 1024 * 1024;

interface Exchange {
  readonly request: HttpRequest;
  readonly path: string;
  readonly requestId: string;
  readonly time: number;
  stage?: Stage;
  routeKey?: string;
  integrationError?: string;
  integrationStatus?: string;
  integrationLatency?: number;
}

/** One HTTP API: finds stage and route, asks the function, answers, writes the access log. */
export class HttpApi {
  public readonly integrations = new Map<string, Integration>();
  public readonly routes = new Map<string, Route>();
  public readonly stages = new Map<string, Stage>();
  private server: HttpServer | undefined;
  private logStreams = new Set<string>();

  constructor(
    private readonly context: CoreContext,
    public readonly id: string,
    public readonly domainName: string,
    private readonly alwaysBase64: boolean,
  ) {}

  public async listen(): Promise<string> {
    this.server = await serve(async (request, response) => this.serveRequest(request, response));
    return this.server.url;
  }

  public get http(): HttpServer {
    if (!this.server) { throw new Error(`API ${this.id} doesn't listen yet`); }
    return this.server;
  }

  public putRoute(id: string, route: Route): void {
    if (!this.integrations.has(route.integrationId)) {
      throw new Error(`NotFoundException: route '${route.key}': Invalid Integration identifier `
        + `specified ${route.integrationId}`);
    }
    if ([...this.routes].some(([other, { key }]) => other !== id && key === route.key)) {
      throw new Error(`ConflictException: Route with key ${route.key} already exists for this API`);
    }
    this.routes.set(id, route);
  }

  public requireRoute(key: string): void {
    if (![...this.routes.values()].some(route => route.key === key)) {
      throw new Error(`NotFoundException: Unable to find Route by key ${key} within the provided RouteSettings`);
    }
  }

  public async close(): Promise<void> {
    await this.server?.close();
  }

  private async serveRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const time = this.context.clock.now();
    const incoming: HttpRequest = {
      method: request.method ?? 'GET',
      url: request.url ?? '/',
      rawHeaders: request.rawHeaders,
      sourceIp: request.socket.remoteAddress ?? '127.0.0.1',
      protocol: `HTTP/${request.httpVersion}`,
      body: await readBody(request),
    };
    const exchange: Exchange = {
      request: incoming,
      path: incoming.url.split('?')[0] ?? '/',
      requestId: randomText(this.context.random, 16),
      time,
    };
    const answer = await this.answer(exchange);
    response.writeHead(answer.status, {
      'apigw-requestid': exchange.requestId,
      ...Object.fromEntries(
        Object.entries(answer.headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]),
      ),
      'content-length': String(answer.body.length),
    }).end(incoming.method === 'HEAD' ? undefined : answer.body);
    this.context.emit({
      source: 'apigateway',
      resource: this.id,
      kind: 'request',
      text: `${incoming.method} ${exchange.path} ${answer.status}`,
      detail: { status: answer.status },
    });
    await this.writeAccessLog(exchange, answer);
  }

  private async answer(exchange: Exchange): Promise<HttpAnswer> {
    const found = this.findStage(exchange.path);
    exchange.stage = found?.stage;
    if (!found) { return message(404, 'Not Found'); }
    const route = this.findRoute(exchange.request.method, found.path);
    if (!route) { return message(404, 'Not Found'); }
    exchange.routeKey = route.key;
    const throttle = found.stage.routeThrottles.get(route.key) ?? found.stage.throttle;
    if (throttle && !throttle.take()) { return message(429, 'Too Many Requests'); }
    if (exchange.request.body.length > MAX_PAYLOAD_BYTES) { return message(413, 'Request Entity Too Large'); }
    const integration = this.integrations.get(route.integrationId);
    return integration
      ? this.integrate(exchange, found.stage, route, integration)
      : message(500, 'Internal Server Error');
  }

  /** The stage that the path's first segment names, else `$default`. */
  private findStage(path: string): { stage: Stage; path: string } | undefined {
    const first = path.split('/')[1] ?? '';
    const named = this.stages.get(first);
    if (named) { return { stage: named, path: path.slice(first.length + 1) || '/' }; }
    const stage = this.stages.get('$default');
    return stage && { stage, path };
  }

  /** A full match of method and path, then ANY, then `$default`. */
  private findRoute(method: string, path: string): Route | undefined {
    const routes = [...this.routes.values()];
    return [`${method} ${path}`, `ANY ${path}`, '$default']
      .map(key => routes.find(route => route.key === key))
      .find(route => route !== undefined);
  }

  private async integrate(
    exchange: Exchange,
    stage: Stage,
    route: Route,
    integration: Integration,
  ): Promise<HttpAnswer> {
    const event = toEvent(exchange.request, {
      account: this.context.account,
      apiId: this.id,
      domainName: this.domainName,
      requestId: exchange.requestId,
      routeKey: route.key,
      stage: stage.name,
      time: exchange.time,
      traceId: `Root=1-${Math.floor(exchange.time / 1000).toString(16)}-`
        + `${randomText(this.context.random, 24, '0123456789abcdef')}`,
      alwaysBase64: this.alwaysBase64,
    });
    const started = performance.now();
    try {
      return await this.invoke(exchange, integration, event);
    } finally {
      exchange.integrationLatency = Math.round(performance.now() - started);
    }
  }

  private async invoke(exchange: Exchange, integration: Integration, event: object): Promise<HttpAnswer> {
    const { account, region, partition } = this.context;
    const place = exchange.routeKey === '$default' ? '$default' : exchange.routeKey?.replace(' ', '');
    const caller = {
      service: 'apigateway.amazonaws.com',
      arn: 'apigateway.amazonaws.com',
      sourceArn: `arn:${partition}:execute-api:${region}:${account}:${this.id}/${exchange.stage?.name}/${place}`,
    };
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<undefined>(resolve => {
      timer = setTimeout(() => resolve(undefined), integration.timeoutMs);
    });
    try {
      const output = await Promise.race([this.context.call(caller, 'lambda', 'Invoke', {
        FunctionName: integration.functionArn,
        Payload: JSON.stringify(event),
      }), timeout]);
      if (output === undefined) {
        return this.failed(exchange, 503, 'Service Unavailable', 'Endpoint request timed out');
      }
      exchange.integrationStatus = '200';
      if (output.FunctionError !== undefined) {
        return this.failed(
          exchange,
          500,
          'Internal Server Error',
          `The Lambda function returned the following error: ${String(output.Payload)}`,
        );
      }
      return toAnswer(parseJson(String(output.Payload), 'response')) ?? this.failed(
        exchange,
        500,
        'Internal Server Error',
        'The response from the Lambda function doesn\'t match the format that API Gateway expects.',
      );
    } catch (error) {
      if (!(error instanceof AwsError)) { throw error; }
      // Permission, throttling and a function that is gone look alike from outside: 500.
      return this.failed(exchange, 500, 'Internal Server Error', `${error.code}: ${error.message}`);
    } finally {
      clearTimeout(timer);
    }
  }

  private failed(exchange: Exchange, status: number, text: string, reason: string): HttpAnswer {
    exchange.integrationError = reason;
    this.context.emit({ source: 'apigateway', resource: this.id, kind: 'integration-error', text: reason });
    return message(status, text);
  }

  private async writeAccessLog(exchange: Exchange, answer: HttpAnswer): Promise<void> {
    const { stage } = exchange;
    if (stage?.logGroup === undefined || stage.format === undefined) { return; }
    const line = accessLogLine(stage.format, this.logValues(exchange, answer));
    const caller = { service: 'delivery.logs.amazonaws.com', arn: 'delivery.logs.amazonaws.com' };
    const stream = { logGroupName: stage.logGroup, logStreamName: `${this.id}/${stage.name}` };
    try {
      if (!this.logStreams.has(stage.logGroup)) { await this.context.call(caller, 'logs', 'CreateLogStream', stream); }
      this.logStreams.add(stage.logGroup);
      await this.context.call(caller, 'logs', 'PutLogEvents', {
        ...stream,
        logEvents: [{ timestamp: this.context.clock.now(), message: line }],
      });
    } catch (error) {
      if (!(error instanceof AwsError)) { throw error; }
      this.context.emit({ source: 'apigateway', resource: this.id, kind: 'log-lost', text: error.message });
    }
  }

  private logValues(exchange: Exchange, answer: HttpAnswer): Record<string, string | undefined> {
    const { request, stage, time } = exchange;
    const latency = exchange.integrationLatency?.toString();
    const error = answer.status >= 400 && exchange.integrationStatus === undefined ? answer.body.toString() : undefined;
    return {
      'accountId': this.context.account,
      'apiId': this.id,
      'dataProcessed': String(request.body.length + answer.body.length),
      'domainName': this.domainName,
      'domainPrefix': this.id,
      'error.message': error,
      'error.messageString': error === undefined ? undefined : JSON.stringify(error),
      'extendedRequestId': exchange.requestId,
      'httpMethod': request.method,
      'identity.sourceIp': request.sourceIp,
      'identity.userAgent': request.rawHeaders[request.rawHeaders.findIndex(name => name.toLowerCase() === 'user-agent')
        + 1],
      'integration.error': exchange.integrationError,
      'integration.integrationStatus': exchange.integrationStatus,
      'integration.latency': latency,
      'integration.requestId': latency === undefined ? undefined : randomUuid(this.context.random),
      'integration.status': exchange.integrationStatus,
      'integrationErrorMessage': exchange.integrationError,
      'integrationLatency': latency,
      'integrationStatus': exchange.integrationStatus,
      'path': exchange.path,
      'protocol': request.protocol,
      'requestId': exchange.requestId,
      'requestTime': commonLogTime(time),
      'requestTimeEpoch': String(time),
      'responseLatency': String(this.context.clock.now() - time),
      'responseLength': String(answer.body.length),
      'routeKey': exchange.routeKey,
      'stage': stage?.name,
      'status': String(answer.status),
    };
  }
}

function message(status: number, text: string): HttpAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify({ message: text })),
  };
}
