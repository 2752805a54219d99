import { Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import recommendedFlags from 'aws-cdk-lib/recommended-feature-flags.json';
import { permissions, resources, roles, text } from './policies';
import { newMirror, newStack, secret, synth } from './synth';

let template: Template;
beforeAll(() => { template = synth(stack => ({ webhookToken: secret(stack, 'Hooks', 'github/hooks') })).template; });

const REPOSITORIES = 'arn:{AWS::Partition}:ecr:{AWS::Region}:{AWS::AccountId}:repository/my-org/*';
const SECRET = 'arn:{AWS::Partition}:secretsmanager:{AWS::Region}:{AWS::AccountId}:secret:';
const ASSETS = 'arn:{AWS::Partition}:s3:::cdk-hnb659fds-assets-{AWS::AccountId}-{AWS::Region}';

/** Every permission of every role, written out: what is not here is not granted. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  MirrorWebhookFunctionRole: [
    'logs:CreateLogStream {MirrorWebhookFunctionLog.Arn}',
    'logs:PutLogEvents {MirrorWebhookFunctionLog.Arn}',
    'secretsmanager:GetSecretValue {MirrorWebhookSecret}',
    'sqs:SendMessage {MirrorQueuesQueue.Arn}',
  ],
  MirrorDispatchFunctionRole: [
    'codebuild:BatchGetBuilds {MirrorSyncProject.Arn}',
    'codebuild:ListBuildsForProject {MirrorSyncProject.Arn}',
    'codebuild:StartBuild {MirrorSyncProject.Arn}',
    `ecr:DescribeRepositories ${REPOSITORIES}`,
    `ecr:ListImages ${REPOSITORIES}`,
    'logs:CreateLogStream {MirrorDispatchFunctionLog.Arn}',
    'logs:PutLogEvents {MirrorDispatchFunctionLog.Arn}',
    `secretsmanager:GetSecretValue ${SECRET}github/packages-??????`,
    'sqs:ChangeMessageVisibility {MirrorQueuesQueue.Arn}',
    'sqs:DeleteMessage {MirrorQueuesQueue.Arn}',
    'sqs:GetQueueAttributes {MirrorQueuesQueue.Arn}',
    'sqs:ReceiveMessage {MirrorQueuesQueue.Arn}',
    'sqs:SendMessage {MirrorQueuesQueue.Arn}',
  ],
  MirrorDispatchScheduleRole: ['sqs:SendMessage {MirrorQueuesQueue.Arn}'],
  MirrorSyncRole: [
    `ecr:BatchCheckLayerAvailability ${REPOSITORIES}`,
    `ecr:BatchGetImage ${REPOSITORIES}`,
    `ecr:CompleteLayerUpload ${REPOSITORIES}`,
    `ecr:CreateRepository ${REPOSITORIES}`,
    `ecr:DescribeRepositories ${REPOSITORIES}`,
    'ecr:GetAuthorizationToken *',
    `ecr:GetDownloadUrlForLayer ${REPOSITORIES}`,
    `ecr:InitiateLayerUpload ${REPOSITORIES}`,
    `ecr:ListImages ${REPOSITORIES}`,
    `ecr:PutImage ${REPOSITORIES}`,
    `ecr:UploadLayerPart ${REPOSITORIES}`,
    'logs:CreateLogStream {MirrorSyncLog.Arn}',
    'logs:PutLogEvents {MirrorSyncLog.Arn}',
    `s3:GetBucketAcl ${ASSETS}`,
    `s3:GetBucketLocation ${ASSETS}`,
    `s3:GetObject ${ASSETS}/PROGRAM.zip`,
    `s3:GetObjectVersion ${ASSETS}/PROGRAM.zip`,
    `secretsmanager:GetSecretValue ${SECRET}github/packages-??????`,
  ],
  MirrorRegistrationFunctionRole: [
    'logs:CreateLogStream {MirrorRegistrationFunctionLog.Arn}',
    'logs:PutLogEvents {MirrorRegistrationFunctionLog.Arn}',
    `secretsmanager:GetSecretValue ${SECRET}github/hooks-??????`,
    'secretsmanager:GetSecretValue {MirrorWebhookSecret}',
    'sqs:SendMessage {MirrorQueuesQueue.Arn}',
  ],
  // CDK's framework around the registration function asks for the versions, too.
  MirrorRegistrationProviderRole: [
    'lambda:GetFunction {MirrorRegistrationFunction.Arn}',
    'lambda:InvokeFunction {MirrorRegistrationFunction.Arn}',
    'lambda:InvokeFunction {MirrorRegistrationFunction.Arn}:*',
    'logs:CreateLogStream {MirrorRegistrationProviderLog.Arn}',
    'logs:PutLogEvents {MirrorRegistrationProviderLog.Arn}',
  ],
  MirrorRegistrationRepairRole: [
    'lambda:InvokeFunction {MirrorRegistrationFunction.Arn}',
    'lambda:InvokeFunction {MirrorRegistrationFunction.Arn}:*',
  ],
};

function granted(role: string, of = template): string[] {
  return permissions(of, role).map(line => line.replace(/[0-9a-f]{64}\.zip/, 'PROGRAM.zip'));
}

test('there are no other roles', () => {
  expect(roles(template)).toEqual(Object.keys(EXPECTED).sort());
});

test.each(Object.keys(EXPECTED))('%s may do this and nothing else', role => {
  expect(granted(role)).toEqual(EXPECTED[role]);
});

test('the feature flags of a new app change none of it', () => {
  const stack = newStack(undefined, recommendedFlags);
  newMirror(stack, { webhookToken: secret(stack, 'Hooks', 'github/hooks') });
  const flagged = Template.fromStack(stack);
  expect(roles(flagged)).toEqual(Object.keys(EXPECTED).sort());
  for (const role of roles(flagged)) {
    expect([role, [...new Set(granted(role, flagged))]]).toEqual([role, EXPECTED[role]]);
  }
});

test('no role has a managed or an inline policy beside', () => {
  for (const [id, { Type, Properties }] of Object.entries(resources(template))) {
    if (Type === 'AWS::IAM::Role') {
      expect([id, Properties.ManagedPolicyArns, Properties.Policies]).toEqual([id, undefined, undefined]);
    }
  }
});

describe('nobody', () => {
  const every = (): string[] => roles(template).flatMap(role => granted(role));

  test('may everything on anything: only the one action that has no resource is for "*"', () => {
    expect(every().filter(line => line.endsWith(' *'))).toEqual(['ecr:GetAuthorizationToken *']);
    expect(every().filter(line => line.split(' ')[0].includes('*'))).toEqual([]);
  });

  test('may delete anything but messages that are done', () => {
    expect(every().filter(line => /delete|remove/i.test(line.split(' ')[0]))).toEqual(['sqs:DeleteMessage {MirrorQueuesQueue.Arn}']);
  });

  test('writes to repositories but the sync, below the prefix', () => {
    const writers = roles(template).filter(role => granted(role).some(line => /^ecr:(Put|Create|Initiate|Upload|Complete)/.test(line)));
    expect(writers).toEqual(['MirrorSyncRole']);
  });
});

test.each([
  ['webhook', 'MirrorWebhookFunctionRole', ['github/packages', 'github/hooks']],
  ['dispatch', 'MirrorDispatchFunctionRole', ['github/hooks', 'WebhookSecret']],
  ['sync', 'MirrorSyncRole', ['github/hooks', 'WebhookSecret']],
  ['registration', 'MirrorRegistrationFunctionRole', ['github/packages']],
])('%s reads no secret of another program', (_, role, forbidden) => {
  const secrets = granted(role).filter(line => line.startsWith('secretsmanager:'));
  for (const name of forbidden) { expect(secrets.join('\n')).not.toContain(name); }
});

test.each(['MirrorDispatchScheduleRole', 'MirrorRegistrationRepairRole'])(
  '%s serves schedules of this account alone',
  role => {
    const found = Object.entries(resources(template)).find(([id]) => id.startsWith(role));
    expect(found?.[1].Properties.AssumeRolePolicyDocument).toMatchObject({
      Statement: [{
        Principal: { Service: 'scheduler.amazonaws.com' },
        Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
      }],
    });
  },
);

test('the schedules\' role of the registration is for the schedules of one group', () => {
  const [[, { Properties }]] = Object.entries(resources(template))
    .filter(([id, { Type }]) => Type === 'AWS::IAM::Role' && id.startsWith('MirrorRegistrationRepairRole'));
  const { Statement } = Properties.AssumeRolePolicyDocument as {
    Statement: { Condition: { StringEquals: Record<string, unknown> } }[];
  };
  const [{ Condition }] = Statement;
  expect(text(Condition.StringEquals['aws:SourceArn']))
    .toBe('arn:{AWS::Partition}:scheduler:{AWS::Region}:{AWS::AccountId}:schedule-group/default');
});

test('without a token for webhooks the registration reads no secret', () => {
  const without = synth().template;
  expect(granted('MirrorRegistrationFunctionRole', without).filter(line => line.startsWith('secretsmanager')))
    .toEqual([]);
  expect(roles(without)).not.toContain('MirrorRegistrationRepairRole');
});

test('with an empty prefix the repositories are all of the account\'s, and still of one region', () => {
  const everywhere = synth({ repositoryPrefix: '' }).template;
  expect(granted('MirrorSyncRole', everywhere))
    .toContain('ecr:PutImage arn:{AWS::Partition}:ecr:{AWS::Region}:{AWS::AccountId}:repository/*');
});

describe('a secret', () => {
  test('imported by its whole ARN is granted by exactly that', () => {
    const arn = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:github/packages-AbC12x';
    const { template: other } = synth(stack => ({ packagesToken: Secret.fromSecretCompleteArn(stack, 'Whole', arn) }));
    for (const role of ['MirrorSyncRole', 'MirrorDispatchFunctionRole']) {
      expect(granted(role, other)).toContain(`secretsmanager:GetSecretValue ${arn}`);
    }
  });

  const VIA = /kms:ViaService.*secretsmanager\..*AWS::Region.*AWS::URLSuffix/;

  test('with a key of the stack is decrypted through Secrets Manager alone', () => {
    const { template: other } = synth(stack => ({
      packagesToken: new Secret(stack, 'Encrypted', { encryptionKey: new Key(stack, 'Key') }),
    }));
    const [{ Properties: { KeyPolicy } }] = Object.values(resources(other))
      .filter(({ Type }) => Type === 'AWS::KMS::Key');
    const { Statement } = KeyPolicy as {
      Statement: { Action: unknown; Principal: { AWS: unknown }; Condition?: object }[];
    };
    const readers = Statement.filter(({ Action }) => Action === 'kms:Decrypt');
    expect(readers.map(({ Principal }) => text(Principal.AWS)).sort())
      .toEqual(['{MirrorDispatchFunctionRole.Arn}', '{MirrorSyncRole.Arn}']);
    readers.forEach(({ Condition }) => expect(JSON.stringify(Condition)).toMatch(VIA));
  });

  // Nobody but the role itself can be given the permission then: the stack does not own the key's policy.
  test('with an imported key is decrypted through Secrets Manager alone', () => {
    const key = 'arn:aws:kms:eu-central-1:111122223333:key/0c1d2e3f';
    const { template: other } = synth(stack => ({
      packagesToken: Secret.fromSecretAttributes(stack, 'Imported', {
        secretCompleteArn: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:packages-AbC12x',
        encryptionKey: Key.fromKeyArn(stack, 'Key', key),
      }),
    }));
    for (const role of ['MirrorSyncRole', 'MirrorDispatchFunctionRole']) {
      const decrypt = granted(role, other).filter(line => line.startsWith('kms:'));
      expect(decrypt).toEqual([expect.stringMatching(new RegExp(`^kms:Decrypt ${key} .*${VIA.source}`)) as string]);
    }
    expect(granted('MirrorWebhookFunctionRole', other).filter(line => line.startsWith('kms:'))).toEqual([]);
  });
});
