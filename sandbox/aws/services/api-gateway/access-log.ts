/**
 * Variables of HTTP API access logs that have a value here:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
 */
export type AccessLogValues = Readonly<Record<string, string | undefined>>;

const VARIABLES = [
  'accountId', 'apiId', 'awsEndpointRequestId', 'dataProcessed', 'domainName', 'domainPrefix', 'error.message',
  'error.messageString', 'error.responseType', 'extendedRequestId', 'httpMethod', 'identity.caller',
  'identity.sourceIp', 'identity.user', 'identity.userAgent', 'integration.error', 'integration.integrationStatus',
  'integration.latency', 'integration.requestId', 'integration.status', 'integrationErrorMessage', 'integrationLatency',
  'integrationStatus', 'path', 'protocol', 'requestId', 'requestTime', 'requestTimeEpoch', 'resourcePath',
  'responseLatency', 'responseLength', 'routeKey', 'stage', 'status',
];

const PATTERN = /\$context\.([A-Za-z0-9]+(?:\.[A-Za-z0-9]+)*)/g;

/** @throws for a variable that API Gateway doesn't have (or that isn't modelled): it would log `-` for ever */
export function checkFormat(format: string): string {
  for (const [, name = ''] of format.matchAll(PATTERN)) {
    if (!VARIABLES.includes(name)) {
      throw new Error(`AccessLogSettings.Format: unknown variable $context.${name}; known are ${VARIABLES.join(', ')} `
        + '(sandbox/aws/services/api-gateway/access-log.ts)');
    }
  }
  if (format.includes('\n')) { throw new Error('AccessLogSettings.Format: must be a single line'); }
  if (!format.includes('$context.requestId') && !format.includes('$context.extendedRequestId')) {
    throw new Error('AccessLogSettings.Format: must contain $context.requestId (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html)');
  }
  return format;
}

export function accessLogLine(format: string, values: AccessLogValues): string {
  return format.replace(PATTERN, (_, name: string) => values[name] ?? '-');
}
