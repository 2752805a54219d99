import { createHmac } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { readBody, serve } from '../../../http-server';
import { CoreContext } from '../../core/context';
import { isRecord, optionalNumber, optionalRecord, parseJson, record, string } from '../../core/json';
import { randomText, randomUuid, urlSuffix } from '../../core/naming';
import { CloudEvent, Resource, ResourceProvider, ResourceRequest, ServiceModule } from '../../core/service';
import { ResourceCreationError } from '../../core/stack';

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html */
const MAX_RESPONSE_BYTES = 4096;
const DEFAULT_TIMEOUT_SECONDS = 3600;

type RequestType = 'Create' | 'Update' | 'Delete';

interface Response {
  readonly status: 'SUCCESS' | 'FAILED';
  readonly reason: string;
  readonly physicalId: string;
  readonly data: Readonly<Record<string, string>>;
  readonly noEcho: boolean;
}

export interface CustomResources extends ServiceModule {
  /** Every request that was sent, without its ResponseURL. */
  readonly requests: readonly Readonly<Record<string, unknown>>[];
  /** Takes every event of the cloud: a function that failed without answering is noticed through them. */
  watch(event: CloudEvent): void;
}

/** Custom resources, by the protocol of CloudFormation: an event to the function, a PUT to the event's ResponseURL. */
export async function createCustomResources(context: CoreContext): Promise<CustomResources> {
  const open = new Map<string, (response: Response) => void>();
  const asked = new Map<string, string>();
  const requests: Record<string, unknown>[] = [];
  const signing = randomText(context.random, 40);
  const host = `cloudformation-custom-resource-response-${context.region.replaceAll('-', '')}.s3.${context.region}.`
    + `${urlSuffix(context.partition)}`;
  const server = await serve((request, response) => receive(request, response, open, signing));
  context.aliases.set(host, server.url);

  const send: Send = async (type, request, more) => {
    const requestId = randomUuid(context.random);
    const event = {
      RequestType: type,
      ServiceToken: string(request.properties.ServiceToken, 'ServiceToken'),
      StackId: request.stackId,
      RequestId: requestId,
      LogicalResourceId: request.logicalId,
      ResourceType: request.type,
      ResourceProperties: stringified(request.properties),
      ...more,
    };
    requests.push(event);
    context.emit({
      source: 'cloudformation',
      resource: request.logicalId,
      kind: type.toLowerCase(),
      text: `custom resource ${type}`,
    });
    const path = `/${encodeURIComponent(`${request.stackId}|${request.logicalId}|${requestId}`)}`;
    const url = `https://${host}${path}?Signature=${sign(signing, path)}`;
    const answered = new Promise<Response>(resolve => open.set(requestId, resolve));
    const seconds = optionalNumber(request.properties.ServiceTimeout, 'ServiceTimeout') ?? DEFAULT_TIMEOUT_SECONDS;
    try {
      const invoked = await context.call(context.administrator, 'lambda', 'Invoke', {
        FunctionName: event.ServiceToken,
        InvocationType: 'Event',
        Payload: JSON.stringify({ ...event, ResponseURL: url }),
      });
      asked.set(String(invoked.RequestId), requestId);
      const response = await withTimeout(context, answered, seconds);
      if (response.status === 'FAILED') {
        throw new ResourceCreationError('Received response status [FAILED] from custom resource. Message returned: '
          + `${response.reason} (RequestId: ${requestId})`, { physicalId: response.physicalId, attributes: {} });
      }
      return response;
    } finally {
      open.delete(requestId);
    }
  };
  return {
    requests,
    watch: event => {
      const requestId = event.kind === 'async-failed' ? asked.get(String(event.detail?.requestId)) : undefined;
      // AWS would try twice more and then wait for the whole timeout; nobody wants to wait
      // here, and the outcome is the same.
      if (requestId !== undefined) {
        open.get(requestId)?.({
          status: 'FAILED',
          reason: `the function failed without sending a response: ${event.text}`,
          physicalId: '',
          data: {},
          noEcho: false,
        });
      }
    },
    providers: [
      customProvider('Custom::*', send),
      customProvider('AWS::CloudFormation::CustomResource', send),
      metadataProvider(),
    ],
    close: async () => server.close(),
  };
}

type Send = (type: RequestType, request: ResourceRequest, more: Readonly<Record<string, unknown>>) => Promise<Response>;

function customProvider(type: string, send: Send): ResourceProvider {
  const resource = (response: Response): Resource => ({ physicalId: response.physicalId, attributes: response.data });
  return {
    type,
    properties: ['*'],
    create: async request => resource(await send('Create', request, {})),
    update: async (request, previous, previousProperties) => {
      if (previousProperties.ServiceToken !== request.properties.ServiceToken) {
        throw new Error('Modifying service token is not allowed.');
      }
      return resource(await send('Update', request, {
        PhysicalResourceId: previous.physicalId,
        OldResourceProperties: stringified(previousProperties),
      }));
    },
    delete: async (previous, request) => {
      // Nothing was made when the function never named it.
      if (previous.physicalId === '') { return; }
      const response = await send('Delete', request, { PhysicalResourceId: previous.physicalId });
      if (response.physicalId !== previous.physicalId) {
        throw new Error(`a Delete must not change the physical id (from '${previous.physicalId}' to `
          + `'${response.physicalId}')`);
      }
    },
  };
}

/** What CDK notes about itself. */
function metadataProvider(): ResourceProvider {
  return {
    type: 'AWS::CDK::Metadata',
    properties: ['*'],
    create: request => ({ physicalId: request.logicalId, attributes: {} }),
    update: (_, previous) => previous,
  };
}

async function receive(
  request: IncomingMessage,
  response: ServerResponse,
  open: ReadonlyMap<string, (response: Response) => void>,
  signing: string,
): Promise<void> {
  const body = await readBody(request);
  const url = new URL(request.url ?? '/', 'http://loopback');
  const [, logicalId, requestId = ''] = decodeURIComponent(url.pathname.slice(1)).split('|');
  // S3 refuses what was not presigned: another method, another path, a content type that was not signed.
  if (request.method !== 'PUT'
    || url.searchParams.get('Signature') !== sign(signing, url.pathname)
    || (request.headers['content-type'] ?? '') !== '') {
    response.writeHead(403, { 'content-type': 'application/xml' })
      .end('<Error><Code>SignatureDoesNotMatch</Code></Error>');
    return;
  }
  response.writeHead(200).end();
  open.get(requestId)?.(parseResponse(body, requestId, logicalId));
}

function parseResponse(body: Buffer, requestId: string, logicalId: string | undefined): Response {
  const failed = (reason: string): Response => ({ status: 'FAILED', reason, physicalId: '', data: {}, noEcho: false });
  if (body.length > MAX_RESPONSE_BYTES) { return failed('Response object is too long.'); }
  try {
    const value = record(parseJson(body.toString('utf8'), 'response'), 'response');
    const status = string(value.Status, 'Status');
    const physicalId = string(value.PhysicalResourceId, 'PhysicalResourceId');
    if (status !== 'SUCCESS' && status !== 'FAILED') { return failed(`Invalid response status '${status}'`); }
    if (value.RequestId !== requestId || value.LogicalResourceId !== logicalId) {
      return failed('Invalid response: RequestId, StackId and LogicalResourceId must be those of the request');
    }
    if (physicalId.length === 0 || physicalId.length > 1024) { return failed('Invalid PhysicalResourceId'); }
    const data = Object.fromEntries(Object.entries(optionalRecord(value.Data ?? {}, 'Data'))
      .map(([name, item]) => [name, typeof item === 'string' ? item : JSON.stringify(item)]));
    return {
      status,
      reason: typeof value.Reason === 'string' ? value.Reason : 'no reason',
      physicalId,
      data,
      noEcho: value.NoEcho === true,
    };
  } catch (error) {
    return failed(`Invalid response: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function withTimeout(context: CoreContext, answered: Promise<Response>, seconds: number): Promise<Response> {
  const timer = new AbortController();
  const timeout = context.clock.sleep(seconds * 1000, timer.signal).then((): Response => ({
    status: 'FAILED',
    reason: `CloudFormation did not receive a response from your Custom Resource within ${seconds} seconds. `
      + 'Please check your logs.',
    physicalId: '',
    data: {},
    noEcho: false,
  }));
  try {
    return await Promise.race([answered, timeout]);
  } finally {
    timer.abort();
  }
}

/** CloudFormation hands scalars over as strings. */
function stringified(value: unknown): unknown {
  if (Array.isArray(value)) { return value.map(stringified); }
  if (isRecord(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, stringified(item)]));
  }
  return value === null || value === undefined ? '' : String(value);
}

function sign(secret: string, path: string): string {
  return createHmac('sha256', secret).update(path).digest('hex');
}

