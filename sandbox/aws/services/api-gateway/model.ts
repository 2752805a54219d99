import { checkFormat } from './access-log';
import { Throttle } from './throttle';
import { number, onlyKeys, optionalNumber, optionalRecord, optionalString, record, string } from '../../core/json';

const FILE = 'services/api-gateway/model.ts';
type Properties = Readonly<Record<string, unknown>>;

export interface Integration {
  readonly id: string;
  readonly functionArn: string;
  readonly timeoutMs: number;
}

export interface Route {
  /** `POST /packages`, `ANY /x`, `$default` */
  readonly key: string;
  readonly integrationId: string;
}

export interface Stage {
  readonly name: string;
  readonly logGroup?: string;
  readonly format?: string;
  readonly throttle?: Throttle;
  readonly routeThrottles: ReadonlyMap<string, Throttle>;
}

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html */
const MAX_INTEGRATION_TIMEOUT_MS = 30_000;

export function parseIntegration(id: string, properties: Properties): Integration {
  if (properties.IntegrationType !== 'AWS_PROXY') {
    throw new Error(`IntegrationType ${String(properties.IntegrationType)} isn't modelled (AWS_PROXY is); `
      + `add it in sandbox/aws/${FILE}`);
  }
  if (properties.PayloadFormatVersion !== '2.0') {
    throw new Error(`PayloadFormatVersion ${String(properties.PayloadFormatVersion)} isn't modelled (2.0 is); `
      + `add it in sandbox/aws/${FILE}`);
  }
  const timeoutMs = optionalNumber(properties.TimeoutInMillis, 'TimeoutInMillis') ?? MAX_INTEGRATION_TIMEOUT_MS;
  if (timeoutMs < 50 || timeoutMs > MAX_INTEGRATION_TIMEOUT_MS) {
    throw new Error(`TimeoutInMillis ${timeoutMs}: Timeout should be between 50 ms and 30000 ms`);
  }
  const uri = string(properties.IntegrationUri, 'IntegrationUri');
  const functionArn = /^arn:[^:]+:apigateway:[^:]+:lambda:path\/2015-03-31\/functions\/(.+)\/invocations$/.exec(uri)?.[1] ?? uri;
  if (!/^arn:[^:]+:lambda:/.test(functionArn)) { throw new Error(`IntegrationUri ${uri} is no Lambda function`); }
  return { id, functionArn, timeoutMs };
}

export function parseRoute(properties: Properties): Route {
  const key = string(properties.RouteKey, 'RouteKey');
  if (key !== '$default' && !/^(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|ANY) \/[^{}\s]*$/.test(key)) {
    throw new Error(`RouteKey '${key}' isn't modelled ('METHOD /path' without parameters, and $default, are); `
      + `add it in sandbox/aws/${FILE}`);
  }
  const authorization = optionalString(properties.AuthorizationType, 'AuthorizationType') ?? 'NONE';
  if (authorization !== 'NONE') {
    throw new Error(`AuthorizationType ${authorization} isn't modelled; add it in sandbox/aws/${FILE}`);
  }
  const target = string(properties.Target, 'Target');
  if (!target.startsWith('integrations/')) { throw new Error(`Target '${target}': expected integrations/ID`); }
  return { key, integrationId: target.slice('integrations/'.length) };
}

export function parseStage(properties: Properties, now: () => number): Stage {
  const logging = optionalRecord(properties.AccessLogSettings, 'AccessLogSettings');
  onlyKeys(logging, ['DestinationArn', 'Format'], 'AccessLogSettings', FILE);
  const destination = optionalString(logging.DestinationArn, 'DestinationArn');
  const settings = Object.entries(optionalRecord(properties.RouteSettings, 'RouteSettings'));
  const routeThrottles = settings.flatMap(([key, value]) => {
    const throttle = parseThrottle(record(value, `RouteSettings.${key}`), now);
    return throttle ? [[key, throttle] as const] : [];
  });
  return {
    name: string(properties.StageName, 'StageName'),
    ...(destination === undefined
      ? {}
      : { logGroup: groupOf(destination), format: checkFormat(string(logging.Format, 'AccessLogSettings.Format')) }),
    throttle: parseThrottle(optionalRecord(properties.DefaultRouteSettings, 'DefaultRouteSettings'), now),
    routeThrottles: new Map(routeThrottles),
  };
}

function parseThrottle(settings: Properties, now: () => number): Throttle | undefined {
  onlyKeys(settings, ['ThrottlingBurstLimit', 'ThrottlingRateLimit', 'DetailedMetricsEnabled'], 'RouteSettings', FILE);
  const rate = optionalNumber(settings.ThrottlingRateLimit, 'ThrottlingRateLimit');
  if (rate === undefined && settings.ThrottlingBurstLimit === undefined) { return undefined; }
  return new Throttle(rate ?? 10_000, number(settings.ThrottlingBurstLimit ?? 5000, 'ThrottlingBurstLimit'), now);
}

function groupOf(arn: string): string {
  const [, group] = /^arn:[^:]+:logs:[^:]*:\d*:log-group:([^:]+)(?::\*)?$/.exec(arn) ?? [];
  if (!group) { throw new Error(`AccessLogSettings.DestinationArn ${arn} is no log group`); }
  return group;
}
