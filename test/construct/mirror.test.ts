import { CfnParameter, Duration } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { ComputeType, LinuxArmBuildImage, LinuxBuildImage } from 'aws-cdk-lib/aws-codebuild';
import { Repository } from 'aws-cdk-lib/aws-ecr';
import { AccountPrincipal, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { permissions, resources, text } from './policies';
import { newMirror, newStack, ownSecret, synth, Synthesized } from './synth';

let shared: Synthesized;
beforeAll(() => { shared = synth(); });

function resolved({ stack }: Synthesized, value: unknown): string {
  return text(stack.resolve(value));
}

describe('what a user gets', () => {
  test('the URL for GitHub', () => {
    expect(resolved(shared, shared.mirror.endpointUrl)).toBe('https://{MirrorWebhookApi}.execute-api.{AWS::Region}.{AWS::URLSuffix}/packages');
  });

  test.each<[string, (mirror: Synthesized['mirror']) => string, string]>([
    ['api', mirror => mirror.api.apiId, '{MirrorWebhookApi}'],
    ['webhookFunction', mirror => mirror.webhookFunction.functionName, '{MirrorWebhookFunction}'],
    ['dispatchFunction', mirror => mirror.dispatchFunction.functionName, '{MirrorDispatchFunction}'],
    ['project', mirror => mirror.project.projectName, '{MirrorSyncProject}'],
    ['queue', mirror => mirror.queue.queueArn, '{MirrorQueuesQueue.Arn}'],
    ['deadLetterQueue', mirror => mirror.deadLetterQueue.queueArn, '{MirrorQueuesDeadLetterQueue.Arn}'],
    ['deadLetterAlarm', mirror => mirror.deadLetterAlarm.alarmArn, '{MirrorQueuesDeadLetterAlarm.Arn}'],
    ['webhookSecret', mirror => mirror.webhookSecret.secretArn, '{MirrorWebhookSecret}'],
    ['repositoryPrefix', mirror => mirror.repositoryPrefix, 'my-org'],
  ])('%s', (_, get, expected) => {
    expect(resolved(shared, get(shared.mirror))).toBe(expected);
  });
});

describe('repository', () => {
  test.each([['app', 'my-org/app'], ['team/tool', 'my-org/team/tool'], ['App', 'my-org/app']])(
    '%s is %s',
    (name, expected) => {
      expect(shared.mirror.repository(name).repositoryName).toBe(expected);
    },
  );

  test('has the URI that an image of ECS needs', () => {
    expect(resolved(shared, shared.mirror.repository('app').repositoryUriForTag('1')))
      .toBe('{AWS::AccountId}.dkr.ecr.{AWS::Region}.{AWS::URLSuffix}/my-org/app:1');
  });

  test('may be asked for again', () => {
    expect(shared.mirror.repository('twice')).toBe(shared.mirror.repository('twice'));
  });

  test.each([['a/b', 'a--b'], ['a/b/c', 'a--b/c']])('does not take %s for %s', (one, other) => {
    expect(shared.mirror.repository(one).repositoryName).toBe(`my-org/${one}`);
    expect(shared.mirror.repository(other).repositoryName).toBe(`my-org/${other}`);
  });

  test.each(['', 'a b', 'app:1', '/app', 'app/', 'a___b', '../else'])('rejects "%s"', name => {
    expect(() => shared.mirror.repository(name)).toThrow(/^GhcrMirror: repository\(".*"\) is named ".*", which ECR does not accept\. Give the package's name/);
  });

  test('creates no resource: the sync does', () => {
    const stack = newStack();
    newMirror(stack).repository('app');
    Template.fromStack(stack).resourceCountIs('AWS::ECR::Repository', 0);
  });

  test('works with a prefix that is known at deployment only', () => {
    const stack = newStack();
    const prefix = new CfnParameter(stack, 'Prefix').valueAsString;
    const mirror = newMirror(stack, { repositoryPrefix: prefix });
    expect(text(stack.resolve(mirror.repository('app').repositoryName))).toBe('{Prefix}/app');
  });
});

describe('grantPull', () => {
  test('lets a role pull every mirrored image and log in, and nothing else', () => {
    const stack = newStack();
    const role = new Role(stack, 'Task', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') });
    expect(newMirror(stack).grantPull(role).success).toBe(true);
    const repositories = 'arn:{AWS::Partition}:ecr:{AWS::Region}:{AWS::AccountId}:repository/my-org/*';
    expect(permissions(Template.fromStack(stack), 'Task')).toEqual([
      `ecr:BatchCheckLayerAvailability ${repositories}`,
      `ecr:BatchGetImage ${repositories}`,
      'ecr:GetAuthorizationToken *',
      `ecr:GetDownloadUrlForLayer ${repositories}`,
    ]);
  });

  test('rejects another account, whose right to pull ECR\'s side has to tell', () => {
    const stack = newStack();
    expect(() => newMirror(stack).grantPull(new AccountPrincipal('444455556666'))).toThrow(/identity of this app.*registry's policy/s);
  });
});

describe('settings', () => {
  test('of another GitHub reach the programs', () => {
    const { template } = synth({ githubApiUrl: 'https://api.acme.ghe.com', registryHost: 'containers.acme.ghe.com' });
    const variables = JSON.stringify(template.findResources('AWS::CodeBuild::Project'));
    expect(variables).toContain('"https://api.acme.ghe.com"');
    expect(variables).toContain('"containers.acme.ghe.com"');
    expect(JSON.stringify(template.findResources('AWS::Lambda::Function'))).toContain('"GITHUB_API_URL":"https://api.acme.ghe.com"');
    expect(JSON.stringify(template.toJSON())).not.toContain('api.github.com');
  });

  test('of the prefix reach the programs', () => {
    const { template, mirror } = synth({ repositoryPrefix: 'mirror/ghcr' });
    expect(mirror.repository('app').repositoryName).toBe('mirror/ghcr/app');
    expect(JSON.stringify(template.findResources('AWS::Lambda::Function')))
      .toContain('"REPOSITORY_PREFIX":"mirror/ghcr"');
  });

  test('of the logs go for all of them', () => {
    const { template } = synth({ logRetention: RetentionDays.ONE_WEEK });
    Object.values(template.findResources('AWS::Logs::LogGroup'))
      .forEach(({ Properties }) => expect(Properties).toMatchObject({ RetentionInDays: 7 }));
  });

  test('of the schedule', () => {
    synth({ schedule: ScheduleExpression.cron({ minute: '0', hour: '3' }) }).template
      .hasResourceProperties('AWS::Scheduler::Schedule', { ScheduleExpression: 'cron(0 3 * * ? *)' });
  });

  test('of no window: batches as small as AWS then wants them', () => {
    const { template } = synth({ coalescingWindow: Duration.seconds(0) });
    const [mapping] = Object.values(resources(template))
      .filter(({ Type }) => Type === 'AWS::Lambda::EventSourceMapping');
    expect(mapping.Properties).toMatchObject({ BatchSize: 10 });
    expect(mapping.Properties).not.toHaveProperty('MaximumBatchingWindowInSeconds');
  });

  test('of the timeout', () => {
    synth({ buildTimeout: Duration.hours(2) })
      .template.hasResourceProperties('AWS::CodeBuild::Project', { TimeoutInMinutes: 120 });
  });

  test('of the machine keep it small unless they say more', () => {
    synth({ buildEnvironment: { buildImage: LinuxArmBuildImage.AMAZON_LINUX_2023_STANDARD_3_0 } }).template
      .hasResourceProperties('AWS::CodeBuild::Project', {
        Environment: { Type: 'ARM_CONTAINER', ComputeType: 'BUILD_GENERAL1_SMALL' },
      });
    synth({ buildEnvironment: { computeType: ComputeType.LARGE } }).template
      .hasResourceProperties('AWS::CodeBuild::Project', {
        Environment: { Image: 'aws/codebuild/standard:8.0', ComputeType: 'BUILD_GENERAL1_LARGE' },
      });
  });

  test('of a build image in ECR let the project pull it', () => {
    const { template } = synth(stack => ({
      buildEnvironment: {
        buildImage: LinuxBuildImage.fromEcrRepository(Repository.fromRepositoryName(stack, 'Tools', 'tools'), '1'),
      },
    }));
    expect(permissions(template, 'MirrorSyncRole')).toEqual(expect.arrayContaining([
      'ecr:BatchGetImage arn:{AWS::Partition}:ecr:{AWS::Region}:{AWS::AccountId}:repository/tools',
      'ecr:GetDownloadUrlForLayer arn:{AWS::Partition}:ecr:{AWS::Region}:{AWS::AccountId}:repository/tools',
    ]));
    template.hasResourceProperties('AWS::CodeBuild::Project', {
      Environment: { ImagePullCredentialsType: 'SERVICE_ROLE' },
    });
  });

  test('of a build image that a login is needed for let the project read it', () => {
    const { template } = synth(stack => ({
      buildEnvironment: {
        buildImage: LinuxBuildImage.fromDockerRegistry('registry.acme.com/tools:1', {
          secretsManagerCredentials: ownSecret(stack, 'Login'),
        }),
      },
    }));
    expect(permissions(template, 'MirrorSyncRole')).toContain('secretsmanager:GetSecretValue {Login}');
  });

  test('of a variable of the user\'s own are added', () => {
    const { template } = synth({ buildEnvironment: { environmentVariables: { HTTPS_PROXY: { value: 'http://proxy' } } } });
    const variables = JSON.stringify(template.findResources('AWS::CodeBuild::Project'));
    expect(variables).toContain('HTTPS_PROXY');
    expect(variables).toContain('REPOSITORY_PREFIX');
  });

  test('of a webhook secret that exists create none', () => {
    const { template, mirror } = synth(stack => ({ webhookSecret: ownSecret(stack, 'Own') }));
    template.resourceCountIs('AWS::SecretsManager::Secret', 1);
    expect(permissions(template, 'MirrorWebhookFunctionRole')).toContain('secretsmanager:GetSecretValue {Own}');
    expect(mirror.node.tryFindChild('WebhookSecret')).toBeUndefined();
  });
});

test('an organization that is known at deployment only goes with a prefix', () => {
  const stack = newStack();
  const organization = new CfnParameter(stack, 'Organization').valueAsString;
  const mirror = newMirror(stack, { organization, repositoryPrefix: 'my-org' });
  expect(mirror.repository('app').repositoryName).toBe('my-org/app');
  Template.fromStack(stack).hasResourceProperties('AWS::Lambda::Function', {
    Environment: { Variables: { ORGANIZATION: { Ref: 'Organization' } } },
  });
});

test('two mirrors share a stack without sharing a permission', () => {
  const stack = newStack();
  newMirror(stack, {}, 'One');
  newMirror(stack, { organization: 'Else', packagesToken: ownSecret(stack, 'Other') }, 'Two');
  const template = Template.fromStack(stack);
  template.resourceCountIs('AWS::CodeBuild::Project', 2);
  for (const role of ['OneSyncRole', 'OneDispatchFunctionRole', 'OneDispatchScheduleRole', 'OneWebhookFunctionRole']) {
    const own = permissions(template, role).join('\n');
    expect(own).not.toMatch(/\{Two|repository\/else|\{Other\}/);
    expect(permissions(template, role.replace('One', 'Two')).join('\n')).not.toMatch(/\{One|repository\/my-org|github\/packages/);
  }
});
