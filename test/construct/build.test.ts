import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duration, Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import {
  BuildEnvironment,
  ComputeType,
  LinuxArmLambdaBuildImage,
  LinuxLambdaBuildImage,
} from 'aws-cdk-lib/aws-codebuild';
import { synth } from './synth';
import { CopyEngine, GhcrMirrorProps } from '../../src';

interface Project {
  readonly stack: Stack;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, unknown>>;
  readonly variables: Readonly<Record<string, string>>;
  /** Commands of the install phase. */
  readonly install: readonly string[];
}

function project(props: Partial<GhcrMirrorProps> = {}): Project {
  const { stack, template } = synth(props);
  const [{ Properties: properties }] = Object.values(template.findResources('AWS::CodeBuild::Project')) as {
    Properties: Record<string, unknown>;
  }[];
  const environment = properties.Environment as { EnvironmentVariables: { Name: string; Value: string }[] };
  const spec = JSON.parse((properties.Source as {
    BuildSpec: string;
  }).BuildSpec) as { phases: { install: { commands: string[] } } };
  return {
    stack,
    properties,
    environment,
    variables: Object.fromEntries(environment.EnvironmentVariables.map(({ Name, Value }) => [Name, Value])),
    install: spec.phases.install.commands,
  };
}

const installs = (command: string): boolean => command.includes('install -y -qq --no-install-recommends skopeo');

describe('the engine', () => {
  test('is skopeo, which the buildspec installs and prints the version of', () => {
    const { variables, install } = project();
    expect(variables.ENGINE).toBe('skopeo');
    const [command, ...others] = install.filter(installs);
    expect(others).toEqual([]);
    expect(command).toContain('skopeo --version');
  });

  test('that is not skopeo has none installed', () => {
    const { variables, install } = project({ engine: CopyEngine.DIRECT });
    expect(variables.ENGINE).toBe('direct');
    expect(install.filter(command => command.includes('skopeo'))).toEqual([]);
  });

  test('goes on without skopeo where it can not be installed, and says so', () => {
    const command = project().install.find(installs) ?? '';
    const { status, stdout, stderr } = spawnSync('/bin/bash', ['-c', command], {
      env: { PATH: '/nowhere' },
      encoding: 'utf8',
    });
    expect(status).toBe(0);
    expect(stderr).toContain('skopeo is missing and can\'t be installed here');
    expect(stdout).toBe('This build copies with the direct engine instead of skopeo.\n');
  });
});

describe('the program', () => {
  const directory = mkdtempSync(join(tmpdir(), 'program-'));
  beforeAll(() => { cpSync(join(__dirname, '../../assets/lambda/sync'), directory, { recursive: true }); });
  afterAll(() => { rmSync(directory, { recursive: true }); });

  /** Runs the command that checks the program. */
  function check(): { status: number | null; output: string } {
    const command = project().install.find(text => text.includes('sha256sum')) ?? 'false';
    const { status, stdout, stderr } = spawnSync('/bin/bash', ['-c', command], { cwd: directory, encoding: 'utf8' });
    return { status, output: stdout + stderr };
  }

  test('is checked before it runs', () => {
    expect(check()).toEqual({ status: 0, output: '' });
  });

  test('fails the install phase, with the reason, when a file of it was tampered with', () => {
    appendFileSync(join(directory, 'index.js'), '\n// tampered\n');
    const { status, output } = check();
    expect(status).toBe(1);
    expect(output).toContain('index.js: FAILED');
    expect(output).toContain('The sync program is not the one that was deployed');
  });

  test('fails the install phase when a file of it is missing', () => {
    rmSync(join(directory, 'index.js'));
    expect(check()).toMatchObject({ status: 1, output: expect.stringContaining('index.js') as string });
  });
});

describe.each([
  ['x86-64', LinuxLambdaBuildImage.AMAZON_LINUX_2023_NODE_20, 'LINUX_LAMBDA_CONTAINER'],
  ['ARM', LinuxArmLambdaBuildImage.AMAZON_LINUX_2023_NODE_20, 'ARM_LAMBDA_CONTAINER'],
])('with Lambda compute (%s)', (_, buildImage, type) => {
  const build = (more: Partial<GhcrMirrorProps> = {}, environment: BuildEnvironment = {}): Project => (
    project({ ...more, buildEnvironment: { buildImage, ...environment } })
  );

  test('the project has what CodeBuild accepts: no timeout, and the smallest size of Lambda', () => {
    const { properties, environment } = build();
    expect(environment).toMatchObject({ Type: type, ComputeType: 'BUILD_LAMBDA_1GB' });
    expect(properties).not.toHaveProperty('TimeoutInMinutes');
    expect(build({}, { computeType: ComputeType.LAMBDA_4GB }).environment)
      .toMatchObject({ ComputeType: 'BUILD_LAMBDA_4GB' });
  });

  test.each<[string, Duration | undefined, string]>([
    ['by default', undefined, '15'],
    ['for a longer timeout', Duration.hours(2), '15'],
    ['for a shorter timeout', Duration.minutes(10), '10'],
  ])('the deadline is within Lambda\'s 15 minutes %s', (_case, buildTimeout, minutes) => {
    expect(build({ buildTimeout }).variables.BUILD_TIMEOUT_MINUTES).toBe(minutes);
  });

  test('the engine is the direct one, without a warning', () => {
    const { stack, variables, install } = build();
    expect(variables.ENGINE).toBe('direct');
    expect(install.filter(installs)).toEqual([]);
    expect(Annotations.fromStack(stack).findWarning('*', Match.anyValue())).toEqual([]);
  });

  test('skopeo on purpose is taken, with a warning', () => {
    const { stack, variables } = build({ engine: CopyEngine.SKOPEO });
    expect(variables.ENGINE).toBe('skopeo');
    Annotations.fromStack(stack).hasWarning(
      '/Stack/Mirror/Sync',
      Match.stringLikeRegexp('needs a build image that has skopeo'),
    );
  });
});
