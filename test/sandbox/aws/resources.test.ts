import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { BuildSpec, LinuxLambdaBuildImage, Project } from 'aws-cdk-lib/aws-codebuild';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { CfnFunction, Code, Function, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { Workspace } from './testing';
import { LocalCloud, LocalCloudOptions } from '../../../sandbox/aws/cloud';

const workspace = new Workspace();
let cloud: LocalCloud;

afterEach(() => cloud.close());
afterAll(() => workspace.remove());

async function deploy(
  build: (stack: Stack) => void,
  options: LocalCloudOptions = {},
): ReturnType<LocalCloud['deploy']> {
  cloud = await LocalCloud.start(options);
  return cloud.deploy({ assembly: workspace.synth(build) });
}

function echo(stack: Stack, id: string, more: object = {}): Function {
  const code = Code.fromAsset(workspace.code('echo', { 'index.js': 'exports.handler = async event => event;' }));
  return new Function(stack, id, { runtime: Runtime.NODEJS_24_X, handler: 'index.handler', code, ...more });
}

function vpcOf(stack: Stack): { vpc: ReturnType<typeof Vpc.fromVpcAttributes>; group: SecurityGroup } {
  const vpc = Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-1',
    availabilityZones: ['eu-west-1a'],
    privateSubnetIds: ['subnet-1'],
  });
  return { vpc, group: new SecurityGroup(stack, 'Group', { vpc }) };
}

describe("resources with a key of the customer's", () => {
  test('queue, secret, log group and environment take it', async () => {
    const stack = await deploy(target => {
      const key = new Key(target, 'Key', { enableKeyRotation: true, alias: 'images' });
      new Queue(target, 'Queue', { encryptionMasterKey: key });
      new Secret(target, 'Secret', { encryptionKey: key });
      new LogGroup(target, 'Log', {
        logGroupName: '/aws/vendedlogs/images',
        encryptionKey: key,
        removalPolicy: RemovalPolicy.DESTROY,
      });
      echo(target, 'Echo', { environment: { OWN: '1' }, environmentEncryption: key });
    });
    const [
      {
        attributes: { Arn: arn = '' },
      },
    ] = stack.byType('AWS::KMS::Key');
    expect(cloud.services.logs.groups.get('/aws/vendedlogs/images')).toMatchObject({ kmsKeyId: arn });
    expect((await cloud.services.lambda.invoke(stack.byType('AWS::Lambda::Function')[0].physicalId, 1)).payload).toBe(
      '1',
    );
  });

  test('fails for a program whose role may not use the key', async () => {
    const stack = await deploy(target => {
      const queue = new Queue(target, 'Queue', { encryptionMasterKey: new Key(target, 'Key') });
      const statements = [new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [queue.queueArn] })];
      const role = new Role(target, 'Sender', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
      statements.forEach(statement => role.addToPolicy(statement));
    });
    const [queue] = stack.byType('AWS::SQS::Queue');
    const [
      {
        attributes: { Arn: roleArn },
      },
    ] = stack.byType('AWS::IAM::Role');
    const caller = { roleArn, arn: `${roleArn}/session` };
    const permission = cloud.services.sqs.service.operations.SendMessage.permissions({ QueueUrl: queue.physicalId });
    expect(permission.map(each => cloud.iam.isAllowed(caller, each))).toEqual([true, false, false]);
  });
});

describe('a log group', () => {
  const named =
    (logGroupName: string) =>
      (stack: Stack): void => {
        new LogGroup(stack, 'Log', { logGroupName, removalPolicy: RemovalPolicy.DESTROY });
      };

  test('is replaced when its name changes', async () => {
    const stack = await deploy(named('/aws/vendedlogs/one'));
    await stack.update(workspace.synth(named('/aws/vendedlogs/two')));
    expect([...cloud.services.logs.groups.keys()]).toEqual(['/aws/vendedlogs/two']);
  });

  test('fails with a name that is none', async () => {
    await expect(deploy(named('a b'))).rejects.toThrow("LogGroupName 'a b'");
  });
});

describe('a function in a VPC', () => {
  test('runs when its role may make network interfaces', async () => {
    const stack = await deploy(target => {
      const { vpc, group } = vpcOf(target);
      echo(target, 'Echo', { vpc, securityGroups: [group] });
    });
    expect((await cloud.services.lambda.invoke(stack.byType('AWS::Lambda::Function')[0].physicalId, 1)).payload).toBe(
      '1',
    );
  });

  test('fails to be created when it may not', async () => {
    const create = deploy(target => {
      const { vpc, group } = vpcOf(target);
      const echoed = echo(target, 'Echo', { role: roleWith(target, ['logs:*']) });
      const resource = echoed.node.defaultChild as CfnFunction;
      resource.vpcConfig = {
        subnetIds: vpc.privateSubnets.map(subnet => subnet.subnetId),
        securityGroupIds: [group.securityGroupId],
      };
    });
    await expect(create).rejects.toThrow(
      'The provided execution role does not have permissions to call CreateNetworkInterface on EC2',
    );
  });
});

// https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
describe('reserved concurrency', () => {
  test.each<[string, number[], number, boolean]>([
    ['that leaves 100', [900], 1000, true],
    ['that leaves 99', [901], 1000, false],
    ['of two functions that leave 99 together', [500, 401], 1000, false],
    ['in an account of 10', [1], 10, false],
  ])('%s', async (_, reserves, accountConcurrency, accepted) => {
    const made = deploy(
      stack =>
        reserves.forEach((reservedConcurrentExecutions, at) =>
          echo(stack, `Echo${at}`, { reservedConcurrentExecutions }),
        ),
      { lambda: { accountConcurrency } },
    ).then(
      () => true,
      (error: unknown) => (/UnreservedConcurrentExecution/.test(String(error)) ? false : error),
    );
    expect(await made).toBe(accepted);
  });
});

test('a build project on Lambda compute deploys as CDK writes it', async () => {
  const stack = await deploy(target => {
    new Project(target, 'Project', {
      environment: { buildImage: LinuxLambdaBuildImage.AMAZON_LINUX_2023_NODE_22 },
      buildSpec: BuildSpec.fromObject({ version: '0.2', phases: { build: { commands: ['true'] } } }),
      queuedTimeout: undefined,
    });
  });
  const { builds } = await cloud.call('codebuild', 'BatchGetBuilds', {
    ids: [await startBuild(stack.byType('AWS::CodeBuild::Project')[0].physicalId)],
  });
  expect(builds).toMatchObject([{ timeoutInMinutes: 15, environment: { type: 'LINUX_LAMBDA_CONTAINER' } }]);
});

test('fails for a build project on Lambda compute with a timeout', async () => {
  const create = deploy(target => {
    const project = new Project(target, 'Project', {
      environment: { buildImage: LinuxLambdaBuildImage.AMAZON_LINUX_2023_NODE_22 },
      buildSpec: BuildSpec.fromObject({ version: '0.2', phases: { build: { commands: ['true'] } } }),
    });
    const resource = project.node.defaultChild as unknown as { timeoutInMinutes: number };
    resource.timeoutInMinutes = Duration.minutes(15).toMinutes();
  });
  await expect(create).rejects.toThrow('TimeoutInMinutes is not supported for environment type LINUX_LAMBDA_CONTAINER');
});

async function startBuild(projectName: string): Promise<string> {
  const { build } = (await cloud.call('codebuild', 'StartBuild', { projectName })) as { build: { id: string } };
  await cloud.services.codeBuild.waitFor(build.id);
  return build.id;
}

function roleWith(stack: Stack, actions: string[]): Role {
  const role = new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  role.addToPolicy(new PolicyStatement({ actions, resources: ['*'] }));
  return role;
}
