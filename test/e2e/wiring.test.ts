import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duration } from 'aws-cdk-lib';
import { MutableAssembly } from './mutation/assembly';
import { list, record, string } from '../../sandbox/aws/core/json';
import type { InvocationResult } from '../../sandbox/aws/services/lambda/pool';
import { synthesize } from '../../sandbox/world/synth';
import { find, getIn, Mutate, readTemplate, setIn, Template } from '../../sandbox/world/template';
import { World } from '../../sandbox/world/world';

const mirror = { coalescingWindow: Duration.seconds(0) };

const FUNCTIONS = ['MirrorWebhookFunction', 'MirrorDispatchFunction', 'MirrorRegistrationFunction'] as const;
const FUNCTION = 'AWS::Lambda::Function';
const PROJECT = 'AWS::CodeBuild::Project';

const directory = mkdtempSync(join(tmpdir(), 'ghcr2ecr-wiring-'));
const template = readTemplate(synthesize(directory, { organization: 'My-Org', ...mirror }));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let world: World;
let assembly: MutableAssembly;

beforeAll(async () => {
  world = await World.start({ mirror, beforeDeploy: (_, path) => { assembly = new MutableAssembly(path); } });
  await world.settled();
}, 60_000);
afterAll(async () => { await world.close(); });

const deploy = (change: Mutate): Promise<unknown> => world.stack.update(assembly.with(change));

describe('a variable that is renamed in the construct alone', () => {
  const variables = FUNCTIONS.flatMap(prefix =>
    functionVariables(prefix).map((name): [string, string] => [prefix, name]));

  test('is looked for in every function of the template', () => {
    expect(variables.length).toBeGreaterThanOrEqual(12);
    expect(projectVariables(template).length).toBeGreaterThanOrEqual(7);
  });

  test.each(variables)('fails %s: %s', async (prefix, name) => {
    await deploy(target => {
      const { Properties } = find(target, FUNCTION, prefix);
      const { [name]: value, ...others } = record(getIn(Properties, ['Environment', 'Variables']), name);
      setIn(Properties, ['Environment', 'Variables'], { ...others, [`${name}_RENAMED`]: value });
    });
    expect(await invoke(prefix)).toMatchObject({
      functionError: 'Unhandled',
      payload: expect.stringContaining(`Environment variables missing: ${name}.`),
    });
  });

  test.each(projectVariables(template))('fails the build: %s', async name => {
    await deploy(target => {
      const { Properties } = find(target, PROJECT);
      setIn(Properties, ['Environment', 'EnvironmentVariables'], list(
        getIn(Properties, ['Environment', 'EnvironmentVariables']),
        'EnvironmentVariables',
      )
        .map(variable => record(variable, 'variable').Name === name
          ? { ...record(variable, 'variable'), Name: `${name}_RENAMED` }
          : variable));
    });
    const build = await runBuild();
    expect(build.status).toBe('FAILED');
    expect(build.log.join('\n')).toContain(`Environment variables missing: ${name}.`);
  });

  // CDK's framework between CloudFormation and the registration has a variable too; it answers for
  // itself when CloudFormation calls it.
  test('fails the provider framework: USER_ON_EVENT_FUNCTION_ARN', async () => {
    await expect(deploy(target => {
      const { Properties } = find(target, FUNCTION, 'MirrorRegistrationProviderframeworkonEvent');
      setIn(Properties, ['Environment', 'Variables'], {
        RENAMED: getIn(Properties, ['Environment', 'Variables', 'USER_ON_EVENT_FUNCTION_ARN']),
      });
      setIn(find(target, 'Custom::GhcrMirrorWebhook').Properties, ['selection'], 'changed');
    })).rejects.toThrow('The environment variable "USER_ON_EVENT_FUNCTION_ARN" is not defined');
  });

  test('works again with its own name', async () => {
    await world.stack.update(assembly.unchanged());
    const build = await runBuild();
    expect(build.status).toBe('SUCCEEDED');
  });
});

describe('a program that is not where the template says', () => {
  afterAll(async () => { await world.stack.update(assembly.unchanged()); });

  test.each<[string, string, RegExp]>([
    ['another export', 'index.handle', /HandlerNotFound.*index\.handle is undefined or not exported/],
    ['another module', 'main.handler', /ImportModuleError.*Cannot find module 'main'/],
  ])('fails for %s', async (_, handler, message) => {
    for (const prefix of FUNCTIONS) {
      await deploy(target => setIn(find(target, FUNCTION, prefix).Properties, ['Handler'], handler));
      const { payload } = await invoke(prefix);
      expect(payload).toMatch(message);
    }
  });

  test('fails for a buildspec that runs another file', async () => {
    await deploy(target => {
      const { Properties } = find(target, PROJECT);
      setIn(
        Properties,
        ['Source', 'BuildSpec'],
        string(getIn(Properties, ['Source', 'BuildSpec']), 'BuildSpec').replace('node index.js', 'node main.js'),
      );
    });
    const build = await runBuild();
    expect(build.log.join('\n')).toContain('Cannot find module');
  });
});

describe('a template that AWS would refuse', () => {
  const ofFunction = (path: readonly string[], value: unknown): Mutate => target =>
    setIn(find(target, FUNCTION, 'MirrorDispatchFunction').Properties, path, value);
  const ofType = (type: string, path: readonly string[], value: unknown): Mutate => target =>
    setIn(find(target, type).Properties, path, value);
  const MAPPING = 'AWS::Lambda::EventSourceMapping';

  test.each<[string, Mutate, string]>([
    ['an environment over 4 KB', ofFunction(['Environment', 'Variables', 'BIG'], 'x'.repeat(4096)),
      'exceeded the 4KB limit'],
    ['a reserved variable', ofFunction(['Environment', 'Variables', 'AWS_REGION'], 'eu-west-1'),
      'Reserved keys used in this request: AWS_REGION'],
    ['a variable of a malformed name', ofFunction(['Environment', 'Variables', 'QUEUE-URL'], 'x'),
      'Map keys must satisfy constraint'],
    ['a timeout over 15 minutes', ofFunction(['Timeout'], 901), 'between 1 and 900'],
    ['a runtime that isn\'t offered', ofFunction(['Runtime'], 'nodejs14.x'), 'enum value set'],
    ['too little memory', ofFunction(['MemorySize'], 64), 'between 128 and 10240'],
    ['batches over 10 without a window', ofType(MAPPING, ['BatchSize'], 11),
      'Maximum batch window in seconds must be greater than 0'],
    ['a window over 5 minutes', ofType(MAPPING, ['MaximumBatchingWindowInSeconds'], 301),
      'must be between 0 and 300 seconds'],
    ['a concurrency of 1', ofType(MAPPING, ['ScalingConfig', 'MaximumConcurrency'], 1), 'between 2 and 1000'],
    ['a visibility timeout below the function\'s', target => {
      setIn(find(target, 'AWS::SQS::Queue', 'MirrorQueuesQueue').Properties, ['VisibilityTimeout'], 299);
      // A changed mapping is looked at anew; so is a new one in a first deployment.
      setIn(find(target, MAPPING).Properties, ['BatchSize'], 9);
    }, 'Queue visibility timeout: 299 seconds is less than Function timeout: 300 seconds'],
    ['a buildspec over 25,600 characters', target => {
      const { Properties } = find(target, PROJECT);
      setIn(
        Properties,
        ['Source', 'BuildSpec'],
        `${string(getIn(Properties, ['Source', 'BuildSpec']), 'BuildSpec')}${' '.repeat(25_600)}`,
      );
    }, 'CodeBuild accepts at most 25600'],
    ['a build variable over 4,096 characters', ofType(PROJECT, [
      'Environment',
      'EnvironmentVariables',
    ], [{ Name: 'BIG', Type: 'PLAINTEXT', Value: 'x'.repeat(4097) }]), '4096'],
    ['a build variable of CodeBuild\'s own', ofType(PROJECT, [
      'Environment',
      'EnvironmentVariables',
    ], [{ Name: 'CODEBUILD_X', Type: 'PLAINTEXT', Value: 'x' }]), 'CODEBUILD_'],
    ['a build timeout below 5 minutes', ofType(PROJECT, ['TimeoutInMinutes'], 4), 'between 5 and 2160'],
    ['an unknown type', target => { target.Resources.Files = { Type: 'AWS::S3::Bucket', Properties: {} }; },
      'doesn\'t know the type of Files (AWS::S3::Bucket)'],
    ['a reference to nothing', ofFunction(['Environment', 'Variables', 'QUEUE_URL'], { Ref: 'Nothing' }), 'Nothing'],
  ])('rejects %s', async (_, change, message) => {
    await expect(deploy(change)).rejects.toThrow(message);
  });

  test.each(typesOf(template))('rejects a property that %s does not have', async type => {
    await expect(deploy(target => {
      const resource = Object.values(target.Resources).find(({ Type }) => Type === type);
      if (resource) { resource.Properties.Invented = 'x'; }
    })).rejects.toThrow(/(doesn't know the property|unknown properties) Invented/);
  });

  test('left the stack as it was', async () => {
    const build = await runBuild();
    expect(build.status).toBe('SUCCEEDED');
  });
});

/** Invokes a function as it is deployed now, with an event that says nothing. */
function invoke(prefix: string): Promise<InvocationResult> {
  return world.cloud.services.lambda.invoke(
    world.stack.resource(find(assembly.template, FUNCTION, prefix).id).physicalId,
    {},
  );
}

/** A build of the project as it is deployed now; it isn't tried again. */
async function runBuild(): Promise<{ readonly status: string; readonly log: readonly string[] }> {
  const { build } = await world.cloud.call('codebuild', 'StartBuild', {
    projectName: world.stack.outputs.ProjectName,
    autoRetryLimitOverride: 0,
  });
  return world.cloud.services.codeBuild.waitFor(string(record(build, 'build').id, 'build.id'));
}

function functionVariables(prefix: string): string[] {
  return Object.keys(record(getIn(find(template, FUNCTION, prefix).Properties, ['Environment', 'Variables']), prefix));
}

function projectVariables(from: Template): string[] {
  return list(getIn(find(from, PROJECT).Properties, ['Environment', 'EnvironmentVariables']), 'EnvironmentVariables')
    .map(variable => string(record(variable, 'variable').Name, 'Name'));
}

/** Custom resources take any property. */
function typesOf(from: Template): string[] {
  return [...new Set(Object.values(from.Resources).map(({ Type }) => Type))]
    .filter(type => !type.startsWith('Custom::'))
    .sort();
}
