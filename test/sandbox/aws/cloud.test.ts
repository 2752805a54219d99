import { setTimeout as delay } from 'node:timers/promises';
import { CfnOutput, CustomResource, Duration, Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { HttpApi, HttpMethod, HttpStage, LogGroupLogDestination } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnFunction, Code, Function, FunctionProps, Runtime } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Schedule, ScheduleExpression, ScheduleTargetInput } from 'aws-cdk-lib/aws-scheduler';
import { SqsSendMessage } from 'aws-cdk-lib/aws-scheduler-targets';
import { CfnQueue, Queue } from 'aws-cdk-lib/aws-sqs';
import { Provider } from 'aws-cdk-lib/custom-resources';
import { Workspace } from './testing';
import { LocalCloud } from '../../../sandbox/aws/cloud';
import { CloudEvent } from '../../../sandbox/aws/core/service';
import { Stack as DeployedStack } from '../../../sandbox/aws/core/stack';

const FRONT = `
const { SQSClient, SendMessageCommand } = require('@aws-sdk/client-sqs');
const sqs = new SQSClient({});
exports.handler = async event => {
  const body = event.isBase64Encoded ? Buffer.from(event.body, 'base64').toString() : event.body;
  console.log('received', body);
  try {
    await sqs.send(new SendMessageCommand({ QueueUrl: process.env.QUEUE_URL, MessageBody: body }));
  } catch (error) {
    return { statusCode: 500, body: error.name + ': ' + error.message };
  }
  return { statusCode: 202, body: 'accepted' };
};`;

const BACK = `
exports.handler = async event => {
  console.log(JSON.stringify(event));
  const failed = event.Records.filter(record => record.body.includes('poison'));
  return { batchItemFailures: failed.map(record => ({ itemIdentifier: record.messageId })) };
};`;

const HOOK = `
exports.handler = async event => {
  console.log(event.RequestType, JSON.stringify(event.ResourceProperties), event.PhysicalResourceId);
  if (event.ResourceProperties.fail === event.RequestType) { throw new Error('told to fail'); }
  const { name } = event.ResourceProperties;
  const id = event.RequestType === 'Delete' ? event.PhysicalResourceId : 'hook-' + name;
  return { PhysicalResourceId: id, Data: { Name: name } };
};`;

interface Settings {
  readonly name?: string;
  readonly fail?: string;
  readonly grant?: boolean;
}

function application(workspace: Workspace, settings: Settings = {}): (stack: Stack) => void {
  return stack => {
    const group = (id: string): LogGroup => new LogGroup(stack, id, { removalPolicy: RemovalPolicy.DESTROY });
    const queue = new Queue(stack, 'Queue', { visibilityTimeout: Duration.seconds(30), enforceSSL: true });
    const code = (name: string, source: string): Code => Code.fromAsset(workspace.code(name, { 'index.js': source }));
    const front = new Function(stack, 'Front', {
      runtime: Runtime.NODEJS_24_X,
      handler: 'index.handler',
      code: code('front', FRONT),
      environment: { QUEUE_URL: queue.queueUrl },
      logGroup: group('FrontLog'),
      timeout: Duration.seconds(10),
    });
    if (settings.grant !== false) { queue.grantSendMessages(front); }
    const back = new Function(stack, 'Back', {
      runtime: Runtime.NODEJS_24_X,
      handler: 'index.handler',
      code: code('back', BACK),
      logGroup: group('BackLog'),
      timeout: Duration.seconds(10),
    });
    back.addEventSource(new SqsEventSource(queue, { batchSize: 10, reportBatchItemFailures: true, maxConcurrency: 2 }));
    const api = new HttpApi(stack, 'Api', { createDefaultStage: false });
    api.addRoutes({
      path: '/packages',
      methods: [HttpMethod.POST],
      integration: new HttpLambdaIntegration('Integration', front),
    });
    new HttpStage(stack, 'Stage', {
      httpApi: api,
      autoDeploy: true,
      accessLogSettings: { destination: new LogGroupLogDestination(group('AccessLog')) },
    });
    new Schedule(stack, 'Nightly', {
      schedule: ScheduleExpression.rate(Duration.hours(6)),
      target: new SqsSendMessage(queue, { input: ScheduleTargetInput.fromObject({ kind: 'organization' }) }),
    });
    const hook = new Function(stack, 'Hook', {
      runtime: Runtime.NODEJS_24_X,
      handler: 'index.handler',
      code: code('hook', HOOK),
      logGroup: group('HookLog'),
      timeout: Duration.seconds(10),
    });
    const provider = new Provider(stack, 'Provider', { onEventHandler: hook, logGroup: group('ProviderLog') });
    const custom = new CustomResource(stack, 'Custom', {
      serviceToken: provider.serviceToken,
      resourceType: 'Custom::Hook',
      serviceTimeout: Duration.minutes(1),
      properties: {
        name: settings.name ?? 'one',
        count: 3,
        on: true,
        url: `${api.apiEndpoint}/packages`,
        ...(settings.fail === undefined ? {} : { fail: settings.fail }),
      },
    });
    new CfnOutput(stack, 'HookName', { value: custom.getAttString('Name') });
    new CfnOutput(stack, 'Url', { value: `https://${api.apiId}.execute-api.${stack.region}.${stack.urlSuffix}/packages` });
  };
}

/** Logical id of the resource whose construct id begins so. */
function find(
  stack: DeployedStack,
  type: string,
  prefix: string,
): { readonly logicalId: string; readonly physicalId: string } {
  const found = stack.byType(type).find(resource => resource.logicalId.startsWith(prefix));
  if (!found) { throw new Error(`no ${type} called ${prefix}`); }
  return found;
}

describe('an application in the local cloud', () => {
  const workspace = new Workspace();
  const events: CloudEvent[] = [];
  let cloud: LocalCloud;
  let stack: DeployedStack;

  beforeAll(async () => {
    cloud = await LocalCloud.start({ seed: 3 });
    cloud.onEvent(event => events.push(event));
    stack = await cloud.deploy({ assembly: workspace.synth(application(workspace)) });
  }, 60_000);
  afterAll(async () => {
    await cloud.close();
    workspace.remove();
  });

  const log = (id: string): string =>
    cloud.logs(find(stack, 'AWS::Logs::LogGroup', id).physicalId).map(event => event.message).join('\n');
  const records = (): { body: string }[] => log('BackLog').split('\n').filter(line => line.includes('"Records"'))
    .flatMap(line => (JSON.parse(line.slice(line.indexOf('{'))) as { Records: { body: string }[] }).Records);
  const post = async (path: string, body: string): Promise<Response> => {
    const url = new URL(path, String(stack.outputs.Url)).toString();
    return fetch(cloud.resolveUrl(url), { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  };

  test('carries a request through the API, a function, the queue and the next function', async () => {
    const response = await post('/packages', '{"hello":1}');
    expect([response.status, await response.text()]).toEqual([202, 'accepted']);
    await cloud.idle();
    expect(records()).toContainEqual(expect.objectContaining({
      body: '{"hello":1}',
      eventSource: 'aws:sqs',
      awsRegion: 'eu-west-1',
      attributes: expect.objectContaining({ ApproximateReceiveCount: '1' }),
    }));
  });

  test('fails an unknown route with 404', async () => {
    const response = await post('/other', '{}');
    expect([response.status, await response.json()]).toEqual([404, { message: 'Not Found' }]);
  });

  test('writes the access log of the stage', async () => {
    await post('/packages', '{"logged":1}');
    await cloud.idle();
    expect(log('AccessLog')).toMatch(/"POST - HTTP\/1\.1" 202 8 /);
  });

  test('writes START, the program\'s lines with its request id, and REPORT', () => {
    const lines = log('FrontLog').split('\n');
    const id = lines.find(line => line.startsWith('START RequestId: '))?.split(' ')[2];
    expect(lines).toContainEqual(expect.stringMatching(`\t${id}\tINFO\treceived `));
    expect(lines).toContainEqual(expect.stringMatching(`^REPORT RequestId: ${id}\tDuration: `));
  });

  test('leaves a message in the queue that the batch response names, until its visibility timeout', async () => {
    await post('/packages', '"poison"');
    await expect(cloud.idle({ timeoutMs: 1500 })).rejects.toThrow('still busy after 1500 ms: sqs');
    const queueUrl = find(stack, 'AWS::SQS::Queue', 'Queue').physicalId;
    const before = records().filter(record => record.body === '"poison"').length;
    cloud.clock.advance(31_000);
    await waitFor(() => records().filter(record => record.body === '"poison"').length > before);
    await cloud.call('sqs', 'PurgeQueue', { QueueUrl: queueUrl });
  });

  test('runs a schedule when its time has come', async () => {
    const fired = (): number => events.filter(event => event.source === 'scheduler' && event.kind === 'fired').length;
    cloud.clock.advance(6 * 3600_000);
    await waitFor(() => fired() === 1);
    await waitFor(() => records().some(record => record.body === '{"kind":"organization"}'));
  });

  test('speaks the custom resource protocol through CDK\'s provider framework, with strings for scalars', () => {
    expect(stack.outputs.HookName).toBe('one');
    expect(find(stack, 'Custom::Hook', 'Custom').physicalId).toBe('hook-one');
    expect(log('HookLog')).toMatch(/INFO\tCreate \{.*"count":"3".*"on":"true"/);
  });

  test('replaces a custom resource whose physical id changes, and deletes the old one afterwards', async () => {
    await stack.update(workspace.synth(application(workspace, { name: 'two' })));
    expect(stack.outputs.HookName).toBe('two');
    expect(requestsOf(cloud)).toEqual([['Create', undefined], ['Update', 'hook-one'], ['Delete', 'hook-one']]);
  });

  test('fails an update whose custom resource fails, after updating it back', async () => {
    const sent = requestsOf(cloud).length;
    await expect(stack.update(workspace.synth(application(workspace, { name: 'two', fail: 'Update' }))))
      .rejects.toThrow('told to fail');
    expect(requestsOf(cloud).slice(sent)).toEqual([['Update', 'hook-two'], ['Update', 'hook-two']]);
    expect(stack.outputs.HookName).toBe('two');
  });

  test('reports which grants were used and which were not', () => {
    const { grants, unused } = cloud.iamReport();
    const sending = grants.find(grant => grant.holder.startsWith('FrontServiceRole')
      && grant.pattern === 'sqs:SendMessage');
    expect(sending?.used).toBeGreaterThan(0);
    expect(unused)
      .toContainEqual(expect.objectContaining({ element: 'Action', pattern: 'sqs:ChangeMessageVisibility', used: 0 }));
  });

  test('deletes the stack, custom resource first', async () => {
    const before = requestsOf(cloud).length;
    await stack.delete();
    expect(requestsOf(cloud).slice(before)).toEqual([['Delete', 'hook-two']]);
    expect(cloud.services.lambda.functions.size).toBe(0);
  });
});

describe('deployments that must not pass', () => {
  const workspace = new Workspace();
  let cloud: LocalCloud;
  beforeAll(async () => { cloud = await LocalCloud.start({ seed: 4 }); });
  afterAll(async () => {
    await cloud.close();
    workspace.remove();
  });

  test('fails with the service\'s own words without the permission to send', async () => {
    const stack = await cloud.deploy({ assembly: workspace.synth(application(workspace, { grant: false })) });
    const response = await fetch(cloud.resolveUrl(String(stack.outputs.Url)), { method: 'POST', body: '{}' });
    const front = find(stack, 'AWS::Lambda::Function', 'Front').physicalId;
    const role = find(stack, 'AWS::IAM::Role', 'FrontServiceRole').physicalId;
    expect(await response.text()).toContain(`User: arn:aws:sts::111122223333:assumed-role/${role}/${front} is not `
      + 'authorized to perform: sqs:SendMessage on resource: arn:aws:sqs:eu-west-1:111122223333:');
    await stack.delete();
  }, 30_000);

  test('fails a creation whose custom resource fails, and takes everything back', async () => {
    const created: string[] = [];
    const stop = cloud.onEvent(event => {
      if (event.source === 'cloudformation' && event.kind.endsWith('_COMPLETE')) {
        created.push(`${event.kind} ${event.resource}`);
      }
    });
    await expect(cloud.deploy({ assembly: workspace.synth(application(workspace, { fail: 'Create' })) }))
      .rejects.toThrow('Received response status [FAILED] from custom resource. Message returned: told to fail');
    stop();
    const creations = created.filter(line => line.startsWith('CREATE')).map(line => line.split(' ')[1]);
    const deletions = created.filter(line => line.startsWith('DELETE')).map(line => line.split(' ')[1]);
    // The custom resource that failed is deleted first; the framework recognizes that it never was.
    expect(deletions).toEqual(['Custom', ...creations.reverse()]);
    expect(cloud.services.lambda.functions.size).toBe(0);
  }, 30_000);

  test.each<[string, (stack: Stack) => void, string]>([
    ['a type that nobody implements', stack => { new Bucket(stack, 'Files'); }, 'doesn\'t know the type of Files'],
    ['a property that nobody implements', stack => { new CfnQueue(stack, 'Queue').addPropertyOverride('Wrong', 1); },
      'doesn\'t know the property Wrong'],
    ['a function that nobody implements',
      stack => { new CfnQueue(stack, 'Queue', { queueName: Fn.transform('Macro', {}).toString() }); },
      'doesn\'t know the function Fn::Transform'],
    ['an attribute that isn\'t there',
      stack => { new CfnOutput(stack, 'Out', { value: new CfnQueue(stack, 'Queue').getAtt('Colour').toString() }); },
      'has no attribute \'Colour\''],
    ['a reserved environment variable', stack => {
      const resource = simple(stack, workspace, {}).node.defaultChild;
      if (resource instanceof CfnFunction) {
        resource.addPropertyOverride('Environment.Variables.AWS_DEFAULT_REGION', 'x');
      }
    }, 'Reserved keys used in this request: AWS_DEFAULT_REGION'],
    ['an environment over 4 KB', stack => { simple(stack, workspace, { environment: { BIG: 'x'.repeat(4096) } }); },
      'exceeded the 4KB limit'],
    ['a visibility timeout below the function\'s', stack => {
      simple(stack, workspace, { timeout: Duration.seconds(31) })
        .addEventSource(new SqsEventSource(new Queue(stack, 'Queue', { visibilityTimeout: Duration.seconds(30) })));
    }, 'Queue visibility timeout: 30 seconds is less than Function timeout: 31 seconds'],
    ['a role that Lambda may not assume', stack => {
      simple(stack, workspace, {
        role: new Role(stack, 'Role', { assumedBy: new ServicePrincipal('codebuild.amazonaws.com') }),
      });
    }, 'cannot be assumed by Lambda'],
  ])('rejects %s', async (_, build, message) => {
    await expect(cloud.deploy({ assembly: workspace.synth(build) })).rejects.toThrow(message);
  });
});

function simple(stack: Stack, workspace: Workspace, props: Partial<FunctionProps>): Function {
  return new Function(stack, 'Function', {
    runtime: Runtime.NODEJS_24_X,
    handler: 'index.handler',
    code: Code.fromAsset(workspace.code('simple', { 'index.js': BACK })),
    ...props,
  });
}

function requestsOf(cloud: LocalCloud): unknown[] {
  return cloud.services.customResources.requests.map(request => [request.RequestType, request.PhysicalResourceId]);
}

async function waitFor(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 20) {
    if (waited > 10_000) { throw new Error('it did not happen within 10 seconds'); }
    await delay(20);
  }
}
