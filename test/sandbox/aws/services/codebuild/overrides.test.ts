import { Iam } from '../../../../../sandbox/aws/core/iam';
import type { Principal } from '../../../../../sandbox/aws/core/service';
import { Build } from '../../../../../sandbox/aws/services/codebuild/build';
import { CodeBuild, createCodeBuild } from '../../../../../sandbox/aws/services/codebuild/codebuild';
import { TestContext } from '../../test-context';

const PROJECT = 'arn:aws:codebuild:eu-west-1:111122223333:project/sync';
const ROLE = 'arn:aws:iam::111122223333:role/dispatch';
const CALLER: Principal = { roleArn: ROLE, arn: 'arn:aws:sts::111122223333:assumed-role/dispatch/session' };

let context: TestContext;
let codebuild: CodeBuild;

beforeEach(() => {
  context = new TestContext();
  codebuild = createCodeBuild(context);
});

afterEach(async () => {
  await codebuild.close?.();
  context.close();
});

const SETTINGS = ['source.buildspec', 'source.location', 'environment.image', 'serviceRole'];
const NO_SETTING = Object.fromEntries(SETTINGS.map(key => [`codebuild:${key}`, 'true']));
const NAME = 'codebuild:environment.environmentVariables.name';

/** @returns whether a role with this statement may send this request */
function allowed(condition: object, input: object): boolean {
  const iam = new Iam({
    account: '111122223333',
    region: 'eu-west-1',
    partition: 'aws',
    resourcePolicy: () => undefined,
  });
  const role = { arn: ROLE, name: 'dispatch', logicalId: 'Dispatch', trust: [], policies: new Map() };
  iam.roles.set(ROLE, role);
  const statement = {
    Effect: 'Allow',
    Action: ['codebuild:StartBuild', 'iam:PassRole'],
    Resource: '*',
    Condition: condition,
  };
  iam.setPolicy(role, 'Default', { Version: '2012-10-17', Statement: statement });
  const needed = codebuild.service.operations.StartBuild.permissions({ projectName: 'sync', ...input });
  return needed
    .filter(({ action }) => action === 'codebuild:StartBuild')
    .every(permission => iam.isAllowed(CALLER, permission));
}

const packages = { environmentVariablesOverride: [{ name: 'PACKAGES', value: '[]', type: 'PLAINTEXT' }] };

// https://docs.aws.amazon.com/codebuild/latest/userguide/action-context-keys.html
describe('a policy that allows no override of a setting', () => {
  test.each([
    ['the plain request', {}],
    ['variables', packages],
    ['a debug session, which has no key', { debugSessionEnabled: true }],
    ['a version of the source, which has no key', { sourceVersion: 'main' }],
  ])('allows %s', (_, input) => {
    expect(allowed({ Null: NO_SETTING }, input)).toBe(true);
  });

  test.each([
    ['the buildspec', { buildspecOverride: 'version: 0.2' }],
    ['the source', { sourceLocationOverride: 'bucket/key' }],
    ['the image', { imageOverride: 'attacker/image' }],
    ['the service role', { serviceRoleOverride: 'arn:aws:iam::111122223333:role/admin' }],
  ])('refuses %s', (_, input) => {
    expect(allowed({ Null: NO_SETTING }, input)).toBe(false);
  });
});

describe('a policy that names the variables', () => {
  const only = { 'ForAllValues:StringEquals': { [NAME]: ['PACKAGES'] } };

  test.each([
    ['none', only, {}, true],
    ['the one that it names', only, packages, true],
    [
      'another beside it',
      only,
      { environmentVariablesOverride: [...packages.environmentVariablesOverride, { name: 'X', value: '' }] },
      false,
    ],
    [
      'a value of one',
      { StringEquals: { 'codebuild:environment.environmentVariables/PACKAGES.value': '[]' } },
      packages,
      true,
    ],
    [
      'no value of one',
      { StringEquals: { 'codebuild:environment.environmentVariables/PACKAGES.value': '[]' } },
      {},
      false,
    ],
    ['any override of the environment', { Null: { 'codebuild:environment': 'true' } }, packages, false],
  ])('decides on %s', (_, condition, input, expected) => {
    expect(allowed(condition, input)).toBe(expected);
  });
});

describe('an override', () => {
  const start = async (input: object): Promise<Build> => {
    const environment = {
      Type: 'LINUX_CONTAINER',
      ComputeType: 'BUILD_GENERAL1_SMALL',
      Image: 'aws/codebuild/standard:8.0',
    };
    await context.create(codebuild, 'AWS::CodeBuild::Project', 'Sync', {
      Name: 'sync',
      Artifacts: { Type: 'NO_ARTIFACTS' },
      Source: { Type: 'NO_SOURCE', BuildSpec: '{"version":"0.2","phases":{"build":{"commands":["echo own"]}}}' },
      Environment: environment,
      ServiceRole: 'arn:aws:iam::111122223333:role/sync',
    });
    const { build } = (await context.client(codebuild.service)('StartBuild', { projectName: 'sync', ...input })) as {
      build: { id: string };
    };
    return codebuild.waitFor(build.id);
  };

  test('of the buildspec and the image is carried out', async () => {
    const buildspecOverride = '{"version":"0.2","phases":{"build":{"commands":["echo other $CODEBUILD_BUILD_IMAGE"]}}}';
    expect((await start({ buildspecOverride, imageOverride: 'x:1' })).log).toContain('other x:1');
  });

  test('of the service role needs iam:PassRole on it', async () => {
    const serviceRoleOverride = 'arn:aws:iam::111122223333:role/admin';
    expect((await start({ serviceRoleOverride })).describe()).toMatchObject({ serviceRole: serviceRoleOverride });
    expect(context.checked.slice(0, 2)).toEqual([
      `codebuild:StartBuild ${PROJECT}`,
      `iam:PassRole ${serviceRoleOverride}`,
    ]);
  });
});
