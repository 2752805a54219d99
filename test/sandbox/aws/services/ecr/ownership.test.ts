import { AwsError, Principal } from '../../../../../sandbox/aws/core/service';
import { createEcr, Ecr, EcrOptions } from '../../../../../sandbox/aws/services/ecr/ecr';
import { RegistryClient } from '../../../../../sandbox/registry/client';
import { image } from '../../../../../sandbox/registry/images';
import { Registry, startRegistry } from '../../../../../sandbox/registry/registry';
import { IamContext } from '../../iam-context';

const ARN = 'arn:aws:ecr:eu-west-1:111122223333:repository/my-org/app';
const ADMINISTRATOR: Principal = { arn: 'arn:aws:iam::111122223333:root' };
const OURS = [{ Key: 'mirror', Value: 'one' }];

let context: IamContext;
let backing: Registry;
let ecr: Ecr;

beforeEach(async () => {
  context = new IamContext();
  backing = await startRegistry();
  await start({});
});

afterEach(async () => {
  await ecr.close?.();
  await backing.close();
  context.close();
});

async function start(options: Partial<EcrOptions>): Promise<void> {
  await (ecr as Ecr | undefined)?.close?.();
  ecr = await createEcr(context, { backing, ...options });
  context.services.set('ecr', ecr.service);
}

const as = (caller: Principal, operation: string, input: object = {}): Promise<Record<string, unknown>> =>
  context.call(caller, 'ecr', operation, {
    ...(operation.endsWith('Resource') ? {} : { repositoryName: 'my-org/app' }),
    ...input,
  });

/** undefined when the call succeeded, the error's code otherwise. */
async function codeOf(action: Promise<unknown>): Promise<string | undefined> {
  const error: unknown = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error !== undefined && !(error instanceof AwsError)) {
    throw error;
  }
  return error?.code;
}

function registry(caller: Principal): RegistryClient {
  return new RegistryClient({ url: ecr.url, user: 'AWS', password: ecr.credentials(caller).slice('AWS:'.length) });
}

const push = (caller: Principal): Promise<void> => registry(caller).push('my-org/app', image(), 'v1');
const allow = (Action: string | string[], Condition?: object): object => ({
  Effect: 'Allow',
  Action,
  Resource: ARN,
  Condition,
});
const DENIED = 'AccessDeniedException';

// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
describe('creating a repository with tags', () => {
  const requested = {
    'StringEquals': { 'aws:RequestTag/mirror': 'one' },
    'ForAllValues:StringEquals': { 'aws:TagKeys': ['mirror'] },
  };

  test.each<[string, object[], object, string | undefined]>([
    ['needs no TagResource without tags', [allow('ecr:CreateRepository')], {}, undefined],
    ['fails without ecr:TagResource', [allow('ecr:CreateRepository')], { tags: OURS }, DENIED],
    [
      'takes the tag that the policy names',
      [allow(['ecr:CreateRepository', 'ecr:TagResource'], requested)],
      { tags: OURS },
      undefined,
    ],
    [
      'fails with another value',
      [allow(['ecr:CreateRepository', 'ecr:TagResource'], requested)],
      { tags: [{ Key: 'mirror', Value: 'two' }] },
      DENIED,
    ],
    [
      'fails with another tag beside it',
      [allow(['ecr:CreateRepository', 'ecr:TagResource'], requested)],
      { tags: [...OURS, { Key: 'x', Value: '' }] },
      DENIED,
    ],
    ['fails without a tag where one is demanded', [allow('ecr:CreateRepository', requested)], {}, DENIED],
    [
      'fails for a tag that the new repository does not have yet',
      [allow('ecr:CreateRepository', { StringEquals: { 'ecr:ResourceTag/mirror': 'one' } })],
      {},
      DENIED,
    ],
    [
      "has a key of the customer's used by a grant",
      [allow('ecr:CreateRepository')],
      { encryptionConfiguration: { encryptionType: 'KMS', kmsKey: 'k' } },
      DENIED,
    ],
  ])('%s', async (_, statements, input, code) => {
    expect(await codeOf(as(context.role('dispatch', ...statements), 'CreateRepository', input))).toBe(code);
  });
});

describe('ownership by tag', () => {
  const PUSH = [
    'BatchCheckLayerAvailability',
    'InitiateLayerUpload',
    'UploadLayerPart',
    'CompleteLayerUpload',
    'PutImage',
    'BatchGetImage',
  ].map(action => `ecr:${action}`);
  const sync = (key: string): Principal =>
    context.role('sync', allow(PUSH, { StringEquals: { [`${key}/mirror`]: 'one' } }));

  test.each(['ecr:ResourceTag', 'aws:ResourceTag'])(
    'a push into a repository with the tag is allowed by %s',
    async key => {
      await as(ADMINISTRATOR, 'CreateRepository', { tags: OURS });
      await push(sync(key));
      expect(ecr.images('my-org/app')).toHaveLength(1);
    },
  );

  test.each([
    ['without the tag', []],
    ['with another value', [{ Key: 'mirror', Value: 'two' }]],
  ])('fails to push into a repository %s, over either plane', async (_, tags) => {
    await as(ADMINISTRATOR, 'CreateRepository', { tags });
    await expect(push(sync('ecr:ResourceTag'))).rejects.toThrow(/403|not authorized to perform: ecr:/);
    const { bytes } = image();
    expect(await codeOf(as(sync('ecr:ResourceTag'), 'PutImage', { imageManifest: bytes.toString() }))).toBe(DENIED);
  });

  test('a tag that is taken away ends the right to push', async () => {
    await as(ADMINISTRATOR, 'CreateRepository', { tags: OURS });
    await as(ADMINISTRATOR, 'UntagResource', { resourceArn: ARN, tagKeys: ['mirror'] });
    await expect(push(sync('ecr:ResourceTag'))).rejects.toThrow();
  });

  test('IAM may see a new tag late', async () => {
    await start({ tagLagMs: 60_000 });
    await as(ADMINISTRATOR, 'CreateRepository', { tags: OURS });
    expect(await as(ADMINISTRATOR, 'ListTagsForResource', { resourceArn: ARN })).toEqual({ tags: OURS });
    await expect(push(sync('ecr:ResourceTag'))).rejects.toThrow();
    context.clock.advance(60_000);
    await push(sync('ecr:ResourceTag'));
  });

  test('fails to tag or untag what the policy excludes', async () => {
    await as(ADMINISTRATOR, 'CreateRepository');
    const tagger = context.role(
      'tagger',
      allow(['ecr:TagResource', 'ecr:UntagResource'], { 'ForAnyValue:StringEquals': { 'aws:TagKeys': ['mirror'] } }),
    );
    expect(await codeOf(as(tagger, 'TagResource', { resourceArn: ARN, tags: OURS }))).toBeUndefined();
    expect(await codeOf(as(tagger, 'TagResource', { resourceArn: ARN, tags: [{ Key: 'cost', Value: '1' }] }))).toBe(
      DENIED,
    );
    expect(await codeOf(as(tagger, 'UntagResource', { resourceArn: ARN, tagKeys: ['cost'] }))).toBe(DENIED);
  });

  test('DescribeRepositories shows no tags', async () => {
    await as(ADMINISTRATOR, 'CreateRepository', { tags: OURS });
    const { repositories } = (await as(ADMINISTRATOR, 'DescribeRepositories', { repositoryName: undefined })) as {
      repositories: object[];
    };
    expect(Object.keys(repositories[0])).not.toContain('tags');
  });

  test.each([
    ['a reserved prefix', [{ Key: 'aws:x', Value: '' }], 'InvalidTagParameterException'],
    ['a key of 129 characters', [{ Key: 'x'.repeat(129), Value: '' }], 'InvalidTagParameterException'],
    ['a value of 257 characters', [{ Key: 'x', Value: 'x'.repeat(257) }], 'InvalidTagParameterException'],
    ['51 tags', Array.from({ length: 51 }, (_, n) => ({ Key: String(n), Value: '' })), 'TooManyTagsException'],
  ])('fails to tag with %s', async (_, tags, code) => {
    await as(ADMINISTRATOR, 'CreateRepository');
    expect(await codeOf(as(ADMINISTRATOR, 'TagResource', { resourceArn: ARN, tags }))).toBe(code);
  });

  test('fails to list the tags of what is not there, or is no repository', async () => {
    expect(await codeOf(as(ADMINISTRATOR, 'ListTagsForResource', { resourceArn: ARN }))).toBe(
      'RepositoryNotFoundException',
    );
    expect(await codeOf(as(ADMINISTRATOR, 'ListTagsForResource', { resourceArn: 'my-org/app' }))).toBe(
      'InvalidParameterException',
    );
  });
});

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
describe('a caller of another account', () => {
  const PULL = ['ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'];
  const foreign: Principal = {
    account: '444455556666',
    roleArn: 'arn:aws:iam::444455556666:role/puller',
    arn: 'arn:aws:sts::444455556666:assumed-role/puller/session',
  };
  const setPolicy = (statement: object): Promise<unknown> =>
    as(ADMINISTRATOR, 'SetRepositoryPolicy', {
      policyText: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: PULL, ...statement }],
      }),
    });

  beforeEach(async () => {
    await as(ADMINISTRATOR, 'CreateRepository');
    await push(ADMINISTRATOR);
  });

  test('fails to pull without a repository policy', async () => {
    await expect(registry(foreign).getManifest('my-org/app', 'v1')).rejects.toThrow(
      /no resource-based policy allows the ecr:BatchGetImage action/,
    );
  });

  test.each([
    ['its account', { Principal: { AWS: 'arn:aws:iam::444455556666:root' } }],
    ["its account's number", { Principal: { AWS: '444455556666' } }],
    ['its role', { Principal: { AWS: foreign.roleArn } }],
    [
      'everybody of that account',
      { Principal: '*', Condition: { StringEquals: { 'aws:PrincipalAccount': '444455556666' } } },
    ],
  ])('pulls when the policy names %s, and fails to push', async (_, statement) => {
    await setPolicy(statement);
    expect(await registry(foreign).manifestDigest('my-org/app', 'v1')).toBe(image().digest);
    await expect(registry(foreign).push('my-org/app', image({ seed: 2 }), 'v2')).rejects.toThrow(/403|not authorized/);
  });

  test.each([
    ['another account', { Principal: { AWS: 'arn:aws:iam::777788889999:root' } }],
    ['another role', { Principal: { AWS: 'arn:aws:iam::444455556666:role/other' } }],
    ['a service', { Principal: { Service: 'lambda.amazonaws.com' } }],
  ])('fails when the policy names %s', async (_, statement) => {
    await setPolicy(statement);
    await expect(registry(foreign).getManifest('my-org/app', 'v1')).rejects.toThrow(/not authorized/);
  });

  test('fails again after the policy was deleted', async () => {
    await setPolicy({ Principal: '*' });
    await registry(foreign).getManifest('my-org/app', 'v1');
    await as(ADMINISTRATOR, 'DeleteRepositoryPolicy');
    await expect(registry(foreign).getManifest('my-org/app', 'v1')).rejects.toThrow(/not authorized/);
    expect(await codeOf(as(ADMINISTRATOR, 'GetRepositoryPolicy'))).toBe('RepositoryPolicyNotFoundException');
  });

  test('a deny of the policy strikes the own account, too', async () => {
    await setPolicy({ Effect: 'Deny', Principal: '*' });
    const puller = context.role('puller', allow(PULL));
    await expect(registry(puller).getManifest('my-org/app', 'v1')).rejects.toThrow(
      /explicit deny in a resource-based policy/,
    );
  });
});

describe('policies of a repository', () => {
  beforeEach(() => as(ADMINISTRATOR, 'CreateRepository'));

  const statement = { Effect: 'Allow', Principal: '*', Action: 'ecr:BatchGetImage' };

  test('a policy is read as it was set, also in the older version that Lambda writes', async () => {
    const policy = {
      Version: '2008-10-17',
      Statement: [{ ...statement, Principal: { Service: 'lambda.amazonaws.com' } }],
    };
    await as(ADMINISTRATOR, 'SetRepositoryPolicy', { policyText: JSON.stringify(policy) });
    expect(await as(ADMINISTRATOR, 'GetRepositoryPolicy')).toMatchObject({ policyText: JSON.stringify(policy) });
  });

  test.each([
    ['no JSON', '{'],
    ['a Resource', JSON.stringify({ Version: '2012-10-17', Statement: [{ ...statement, Resource: '*' }] })],
    ['no Principal', JSON.stringify({ Version: '2012-10-17', Statement: [{ ...statement, Principal: undefined }] })],
    [
      'more than 10,240 characters',
      JSON.stringify({ Version: '2012-10-17', Id: 'x'.repeat(10_240), Statement: [statement] }),
    ],
  ])('fails to set a policy with %s', async (_, policyText) => {
    expect(await codeOf(as(ADMINISTRATOR, 'SetRepositoryPolicy', { policyText }))).toBe('InvalidParameterException');
  });

  const rule = (rulePriority: number): object => ({
    rulePriority,
    selection: { tagStatus: 'untagged', countType: 'sinceImagePushed', countUnit: 'days', countNumber: 1 },
    action: { type: 'expire' },
  });

  test('a lifecycle policy is kept until it is deleted', async () => {
    const lifecyclePolicyText = JSON.stringify({ rules: [rule(1), rule(2)] });
    await as(ADMINISTRATOR, 'PutLifecyclePolicy', { lifecyclePolicyText });
    expect(await as(ADMINISTRATOR, 'GetLifecyclePolicy')).toMatchObject({ lifecyclePolicyText });
    await as(ADMINISTRATOR, 'DeleteLifecyclePolicy');
    expect(await codeOf(as(ADMINISTRATOR, 'GetLifecyclePolicy'))).toBe('LifecyclePolicyNotFoundException');
  });

  test.each([
    ['no rule', { rules: [] }],
    ['two rules of one priority', { rules: [rule(1), rule(1)] }],
    ['a rule without selection', { rules: [{ rulePriority: 1, action: { type: 'expire' } }] }],
  ])('fails to put a lifecycle policy with %s', async (_, policy) => {
    expect(await codeOf(as(ADMINISTRATOR, 'PutLifecyclePolicy', { lifecyclePolicyText: JSON.stringify(policy) }))).toBe(
      'InvalidParameterException',
    );
  });

  test('scanning can be switched on', async () => {
    await as(ADMINISTRATOR, 'PutImageScanningConfiguration', { imageScanningConfiguration: { scanOnPush: true } });
    expect((await as(ADMINISTRATOR, 'DescribeRepositories', { repositoryName: undefined })).repositories).toMatchObject(
      [{ imageScanningConfiguration: { scanOnPush: true } }],
    );
  });

  test('each operation needs its own permission', async () => {
    const nobody = context.role('nobody', { Effect: 'Allow', Action: 'ecr:ListImages', Resource: '*' });
    const operations = [
      'SetRepositoryPolicy',
      'GetRepositoryPolicy',
      'DeleteRepositoryPolicy',
      'PutLifecyclePolicy',
      'GetLifecyclePolicy',
      'PutImageScanningConfiguration',
      'PutImageTagMutability',
    ];
    expect(await Promise.all(operations.map(operation => codeOf(as(nobody, operation))))).toEqual(
      operations.map(() => DENIED),
    );
  });
});
