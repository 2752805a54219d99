import { App, Stack } from 'aws-cdk-lib';
import { Template, Match } from 'aws-cdk-lib/assertions';
import { list, resources, text } from './policies';
import { ownSecret, synth } from './synth';
import { GhcrMirror } from '../../src';

let template: Template;
beforeAll(() => { template = synth(stack => ({ webhookToken: ownSecret(stack, 'Hooks') })).template; });

function all(type: string): (readonly [string, Readonly<Record<string, unknown>>])[] {
  return Object.entries(resources(template))
    .filter(([, { Type }]) => Type === type)
    .map(([id, { Properties }]) => [id, Properties]);
}

describe('the endpoint', () => {
  test('is one route of one HTTP API', () => {
    template.resourceCountIs('AWS::ApiGatewayV2::Api', 1);
    template.resourceCountIs('AWS::ApiGatewayV2::Route', 1);
    template.hasResourceProperties('AWS::ApiGatewayV2::Api', { ProtocolType: 'HTTP' });
    template.hasResourceProperties('AWS::ApiGatewayV2::Route', { RouteKey: 'POST /packages' });
  });

  test('invokes the webhook function, with payload 2.0', () => {
    template.hasResourceProperties('AWS::ApiGatewayV2::Integration', {
      IntegrationType: 'AWS_PROXY',
      PayloadFormatVersion: '2.0',
      IntegrationUri: { 'Fn::GetAtt': [Match.stringLikeRegexp('^MirrorWebhookFunction'), 'Arn'] },
    });
  });

  test('lets that API alone invoke it', () => {
    const [, { Principal, SourceArn }] = all('AWS::Lambda::Permission')[0];
    expect([Principal, text(SourceArn)]).toEqual([
      'apigateway.amazonaws.com',
      'arn:{AWS::Partition}:execute-api:{AWS::Region}:{AWS::AccountId}:{MirrorWebhookApi}/*/*/packages',
    ]);
  });

  test('has one stage, with a throttle of its own', () => {
    template.resourceCountIs('AWS::ApiGatewayV2::Stage', 1);
    template.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
      StageName: '$default',
      AutoDeploy: true,
      DefaultRouteSettings: { ThrottlingRateLimit: 50, ThrottlingBurstLimit: 200 },
    });
  });

  test('logs every access as JSON', () => {
    const [, { AccessLogSettings }] = all('AWS::ApiGatewayV2::Stage')[0];
    const { Format, DestinationArn } = AccessLogSettings as { Format: string; DestinationArn: unknown };
    expect(text(DestinationArn)).toBe('{MirrorWebhookAccessLog.Arn}');
    expect(JSON.parse(Format)).toEqual({
      ip: '$context.identity.sourceIp',
      method: '$context.httpMethod',
      protocol: '$context.protocol',
      requestId: '$context.requestId',
      requestTime: '$context.requestTime',
      responseLength: '$context.responseLength',
      routeKey: '$context.routeKey',
      status: '$context.status',
    });
  });
});

describe('the functions', () => {
  const PROGRAMS = ['Webhook', 'Dispatch', 'Registration'];

  test.each(PROGRAMS)('%s runs Node.js 24 on ARM', name => {
    const [, properties] = all('AWS::Lambda::Function').find(([id]) => id.startsWith(`Mirror${name}Function`)) ?? [];
    expect(properties).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'], Handler: 'index.handler' });
  });

  test('and every other one have a log group of their own', () => {
    const groups = all('AWS::Lambda::Function')
      .map(([, { LoggingConfig }]) => text((LoggingConfig as { LogGroup: unknown } | undefined)?.LogGroup ?? 'none'));
    expect(groups).not.toContain('none');
    expect(new Set(groups).size).toBe(groups.length);
  });

  test('the webhook answers before GitHub gives up', () => {
    const [, properties] = all('AWS::Lambda::Function').find(([id]) => id.startsWith('MirrorWebhookFunction')) ?? [];
    expect(properties?.Timeout).toBeLessThanOrEqual(10);
  });

  test('no secret value is in an environment', () => {
    const environments = JSON.stringify(all('AWS::Lambda::Function').map(([, { Environment }]) => Environment))
      + JSON.stringify(all('AWS::CodeBuild::Project'));
    expect(environments).not.toContain('resolve:secretsmanager');
    expect(environments).not.toContain('SECRETS_MANAGER');
  });
});

describe('the access log', () => {
  const names = (...stacks: Template[]): string[] => stacks.flatMap(each => Object.values(resources(each))
    .filter(({ Type, Properties }) => Type === 'AWS::Logs::LogGroup' && Properties.LogGroupName !== undefined)
    .map(({ Properties }) => text(Properties.LogGroupName)));

  test('has a legal name below /aws/vendedlogs/, which needs no room in the account\'s resource policy', () => {
    const [name, ...more] = names(template);
    expect(more).toEqual([]);
    expect(name).toMatch(/^\/aws\/vendedlogs\/[-_.#/A-Za-z0-9]+$/);
    expect(name.length).toBeLessThanOrEqual(512);
  });

  test('has another name in each mirror of a stack, and in each stack', () => {
    const app = new App();
    const templates = ['One', 'Two'].map(id => {
      const stack = new Stack(app, id);
      for (const mirror of ['A', 'B']) {
        new GhcrMirror(stack, mirror, {
          organization: 'My-Org',
          repositoryPrefix: mirror.toLowerCase(),
          packagesToken: ownSecret(stack, `${mirror}Packages`),
        });
      }
      return stack;
    }).map(stack => Template.fromStack(stack));
    const same = new Stack(new App(), 'One', { stackName: 'Renamed' });
    new GhcrMirror(same, 'A', { organization: 'My-Org', packagesToken: ownSecret(same, 'APackages') });
    const found = names(...templates, Template.fromStack(same));
    expect(found).toHaveLength(5);
    expect(new Set(found).size).toBe(5);
  });
});

test('every log is kept for a month', () => {
  const groups = all('AWS::Logs::LogGroup');
  expect(groups.length).toBeGreaterThanOrEqual(4);
  groups.forEach(([id, { RetentionInDays }]) => expect([id, RetentionInDays]).toEqual([id, 30]));
});

describe('the queues', () => {
  test('are two, both encrypted', () => {
    template.resourceCountIs('AWS::SQS::Queue', 2);
    all('AWS::SQS::Queue').forEach(([, properties]) => expect(properties.SqsManagedSseEnabled).toBe(true));
  });

  test('refuse everybody who comes without TLS', () => {
    const policies = all('AWS::SQS::QueuePolicy').flatMap(([, { PolicyDocument, Queues }]) => {
      const { Statement } = PolicyDocument as {
        Statement: { Effect: string; Action: unknown; Principal: unknown; Condition: unknown }[];
      };
      const rules = Statement.map(({ Effect, Action, Principal, Condition }) => [Effect, Action, Principal, Condition]);
      return list(Queues).flatMap(queue => rules.map(rule => [text(queue), ...rule]));
    });
    const deny = ['Deny', 'sqs:*', { AWS: '*' }, { Bool: { 'aws:SecureTransport': 'false' } }];
    expect(policies).toEqual([['{MirrorQueuesDeadLetterQueue}', ...deny], ['{MirrorQueuesQueue}', ...deny]]);
  });

  test('one takes what did not arrive after 300 looks at the other, and both keep their messages for two weeks', () => {
    const deadLetterTargetArn = { 'Fn::GetAtt': [Match.stringLikeRegexp('DeadLetterQueue'), 'Arn'] };
    template.hasResourceProperties('AWS::SQS::Queue', { RedrivePolicy: { maxReceiveCount: 300, deadLetterTargetArn } });
    expect(all('AWS::SQS::Queue').map(([, { MessageRetentionPeriod }]) => MessageRetentionPeriod))
      .toEqual([1_209_600, 1_209_600]);
  });

  test('hide a message six times as long as the function may run', () => {
    const [, queue] = all('AWS::SQS::Queue').find(([, { RedrivePolicy }]) => RedrivePolicy !== undefined) ?? [];
    const [, dispatch] = all('AWS::Lambda::Function').find(([id]) => id.startsWith('MirrorDispatchFunction')) ?? [];
    expect(queue?.VisibilityTimeout).toBe(6 * Number(dispatch?.Timeout));
  });

  test('a message that was given up raises an alarm', () => {
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Threshold: 1,
      TreatMissingData: 'notBreaching',
      Dimensions: [{
        Name: 'QueueName',
        Value: { 'Fn::GetAtt': [Match.stringLikeRegexp('DeadLetterQueue'), 'QueueName'] },
      }],
    });
  });
});

test('dispatch takes messages together, and gives back only those that failed', () => {
  template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
    BatchSize: 100,
    MaximumBatchingWindowInSeconds: 2,
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    ScalingConfig: { MaximumConcurrency: 2 },
  });
});

test('dispatch gets messages only once its role may take them', () => {
  const [, { DependsOn }] = Object.entries(
    resources(template),
  ).find(([, { Type }]) => Type === 'AWS::Lambda::EventSourceMapping') ?? ['', { DependsOn: [] }];
  expect(DependsOn).toContainEqual(expect.stringMatching(/^MirrorDispatchFunctionRoleDefaultPolicy/));
});

describe('the project', () => {
  function project(): Readonly<Record<string, unknown>> {
    const [[, properties], ...others] = all('AWS::CodeBuild::Project');
    expect(others).toEqual([]);
    return properties;
  }

  function buildSpec(): string {
    return String((project().Source as { BuildSpec: string }).BuildSpec);
  }

  test('has its buildspec inline, below the 25,600 characters that CodeBuild takes', () => {
    expect(buildSpec().length).toBeLessThan(25_600);
    expect(JSON.parse(buildSpec())).toMatchObject({
      version: '0.2',
      phases: {
        install: { 'on-failure': 'ABORT', 'commands': expect.any(Array) as unknown },
        build: { commands: ['node index.js'] },
      },
    });
  });

  test('fetches nothing from the network but the distribution\'s package', () => {
    expect(buildSpec()).not.toMatch(/https?:|curl|wget|git clone|npm |pip |docker /);
  });

  test('has its program as source, in the bucket of the account\'s own assets', () => {
    const { Type, Location } = project().Source as { Type: string; Location: unknown };
    expect(Type).toBe('S3');
    expect(text(Location)).toMatch(/^cdk-hnb659fds-assets-\{AWS::AccountId\}-\{AWS::Region\}\/[0-9a-f]{64}\.zip$/);
  });

  test('runs small, without privileges', () => {
    expect(project().Environment).toMatchObject({
      Type: 'LINUX_CONTAINER',
      ComputeType: 'BUILD_GENERAL1_SMALL',
      Image: 'aws/codebuild/standard:8.0',
      PrivilegedMode: false,
    });
  });

  test('ends within an hour, and is not retried by CodeBuild, for which its role has no permission', () => {
    expect(project()).toMatchObject({ TimeoutInMinutes: 60 });
    expect(project()).not.toHaveProperty('AutoRetryLimit');
  });

  test('queues builds rather than refuse them', () => {
    expect(project()).not.toHaveProperty('ConcurrentBuildLimit');
  });

  test('writes to a log group of its own', () => {
    const { CloudWatchLogs } = project().LogsConfig as { CloudWatchLogs: { Status: string; GroupName: unknown } };
    expect([CloudWatchLogs.Status, text(CloudWatchLogs.GroupName)]).toEqual(['ENABLED', '{MirrorSyncLog}']);
  });

  test('knows what to mirror, and the secret by its name alone', () => {
    const { EnvironmentVariables } = project().Environment as {
      EnvironmentVariables: { Name: string; Type: string; Value: unknown }[];
    };
    expect(Object.fromEntries(EnvironmentVariables.map(({ Name, Value }) => [Name, text(Value)]))).toMatchObject({
      GITHUB_API_URL: 'https://api.github.com',
      ORGANIZATION: 'My-Org',
      PACKAGES_TOKEN_ARN: 'arn:{AWS::Partition}:secretsmanager:{AWS::Region}:{AWS::AccountId}:secret:github/packages',
      REGISTRY_HOST: 'ghcr.io',
      REPOSITORY_PREFIX: 'my-org',
    });
  });
});

test('the schedule asks the queue for everything, every 6 hours', () => {
  const [, schedule] = all('AWS::Scheduler::Schedule').find(([id]) => id.startsWith('MirrorDispatchSchedule')) ?? [];
  expect(schedule)
    .toMatchObject({ ScheduleExpression: 'rate(6 hours)', State: 'ENABLED', FlexibleTimeWindow: { Mode: 'OFF' } });
  const { Arn, Input } = schedule?.Target as { Arn: unknown; Input: string };
  expect([text(Arn), JSON.parse(Input)]).toEqual(['{MirrorQueuesQueue.Arn}', { kind: 'organization' }]);
});

test('the secret of the webhook is generated', () => {
  template.hasResourceProperties('AWS::SecretsManager::Secret', {
    GenerateSecretString: { PasswordLength: 64, ExcludePunctuation: true },
  });
});

describe('the webhook in GitHub', () => {
  test('is a resource of the stack that names no secret', () => {
    const [, properties] = all('Custom::GhcrMirrorWebhook')[0];
    expect(Object.keys(properties).sort()).toEqual([
      'ServiceTimeout', 'ServiceToken', 'active', 'endpointUrl', 'githubApiUrl', 'organization', 'selection',
      'webhookSecret', 'webhookToken',
    ]);
    // The reference to the secret, which is its ARN.
    expect(text(properties.webhookToken)).toBe('{Hooks}');
    expect(text(properties.endpointUrl)).toBe('https://{MirrorWebhookApi}.execute-api.{AWS::Region}.{AWS::URLSuffix}/packages');
  });

  test('comes after what has to work before', () => {
    const [, { DependsOn }] = Object.entries(
      resources(template),
    ).find(([, { Type }]) => Type === 'Custom::GhcrMirrorWebhook') ?? ['', { DependsOn: [] }];
    for (const id of [/^MirrorWebhookStage/, /^MirrorWebhookApiPOSTpackages[0-9A-F]{8}$/, /^MirrorDispatchMapping/, /^MirrorWebhookFunctionRoleDefaultPolicy/]) {
      expect(DependsOn).toContainEqual(expect.stringMatching(id));
    }
  });
});

describe('the registration', () => {
  const schedules = (): (readonly [string, Readonly<Record<string, unknown>>])[] =>
    all('AWS::Scheduler::Schedule').filter(([id]) => id.startsWith('MirrorRegistration'));

  test('knows from its environment where requests go and which hook is ours', () => {
    const [, properties] = all('AWS::Lambda::Function').find(([id]) => id.startsWith('MirrorRegistrationFunction'))
      ?? [];
    const { Variables } = properties?.Environment as { Variables: Record<string, unknown> };
    const own = 'https://{MirrorWebhookApi}.execute-api.{AWS::Region}.{AWS::URLSuffix}/packages';
    expect(Object.fromEntries(Object.entries(Variables).map(([name, value]) => [name, text(value)]))).toMatchObject({
      ENDPOINT_URL: own, EXECUTE_API_URL: own, GITHUB_API_URL: 'https://api.github.com', ORGANIZATION: 'My-Org', WEBHOOK_ACTIVE: 'true',
    });
  });

  test('is invoked by two schedules whose input names neither hook nor address', () => {
    expect(schedules().map(([, { ScheduleExpression, Target }]) => [ScheduleExpression, JSON.parse((Target as {
      Input: string;
    }).Input)])).toEqual([
      ['rate(1 day)', { kind: 'repair' }], ['rate(10 minutes)', { kind: 'redelivery' }],
    ]);
  });

  test('is invoked by them only once the webhook is there: both run at once when they are created', () => {
    for (const [id] of schedules()) {
      expect(resources(template)[id].DependsOn).toContainEqual(expect.stringMatching(/^MirrorRegistrationWebhook/));
    }
  });
});

describe('an address of the user\'s own', () => {
  const webhookUrl = 'https://hooks.example.com/packages';
  let behind: Template;
  beforeAll(() => { behind = synth(stack => ({ webhookToken: ownSecret(stack, 'Hooks'), webhookUrl })).template; });

  test('is what GitHub is told, and the API\'s own is closed', () => {
    behind.hasResourceProperties('Custom::GhcrMirrorWebhook', { endpointUrl: webhookUrl });
    behind.hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: Match.objectLike({ ENDPOINT_URL: webhookUrl }) },
    });
    behind.hasResourceProperties('AWS::ApiGatewayV2::Api', { DisableExecuteApiEndpoint: true });
  });

  test('is the endpoint of the mirror', () => {
    const { stack } = synth({ webhookUrl });
    expect((stack.node.findChild('Mirror') as GhcrMirror).endpointUrl).toBe(webhookUrl);
  });

  test('leaves the API\'s own open when it isn\'t given', () => {
    template.hasResourceProperties('AWS::ApiGatewayV2::Api', { DisableExecuteApiEndpoint: Match.absent() });
  });
});

test('no concurrency is reserved unless it is asked for', () => {
  const reserved = (of: Template): unknown[] => Object.entries(resources(of))
    .filter(([id, { Type }]) => Type === 'AWS::Lambda::Function' && id.startsWith('MirrorWebhookFunction'))
    .map(([, { Properties }]) => Properties.ReservedConcurrentExecutions);
  expect([reserved(template), reserved(synth({ webhookReservedConcurrency: 5 }).template)]).toEqual([[undefined], [5]]);
});
