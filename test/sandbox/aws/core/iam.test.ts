import { Iam } from '../../../../sandbox/aws/core/iam';
import { UnsupportedPolicyError } from '../../../../sandbox/aws/core/iam-conditions';
import { Principal, RequiredPermission } from '../../../../sandbox/aws/core/service';

const QUEUE = 'arn:aws:sqs:eu-west-1:111122223333:jobs';
const ROLE_ARN = 'arn:aws:iam::111122223333:role/worker';
const CALLER: Principal = { roleArn: ROLE_ARN, arn: 'arn:aws:sts::111122223333:assumed-role/worker/session' };
const SERVICE: Principal = {
  service: 'scheduler.amazonaws.com',
  arn: 'scheduler.amazonaws.com',
  sourceArn: 'arn:aws:scheduler:eu-west-1:111122223333:schedule-group/default',
};

type Body = Record<string, unknown>;

interface Setup {
  readonly identity?: Body | readonly Body[];
  readonly resource?: Body | readonly Body[];
  readonly trust?: Body | readonly Body[];
  readonly secureTransport?: boolean;
}

const document = (statements: Body | readonly Body[]): object => ({ Version: '2012-10-17', Statement: statements });

function account({ identity, resource, trust, secureTransport }: Setup): Iam {
  const iam = new Iam({
    account: '111122223333',
    region: 'eu-west-1',
    partition: 'aws',
    secureTransport,
    resourcePolicy: arn => arn === QUEUE && resource ? document(resource) : undefined,
  });
  const role = { arn: ROLE_ARN, name: 'worker', logicalId: 'Worker', trust: [], policies: new Map() };
  iam.roles.set(ROLE_ARN, role);
  if (identity) { iam.setPolicy(role, 'Default', document(identity)); }
  if (trust) { iam.setTrust(role, document(trust)); }
  return iam;
}

const SEND: RequiredPermission = { action: 'sqs:SendMessage', resource: QUEUE };
const allow = (more: Body = {}): Body => ({ Effect: 'Allow', Action: 'sqs:SendMessage', Resource: QUEUE, ...more });
const deny = (more: Body = {}): Body => ({ ...allow(more), Effect: 'Deny' });
const when = (operator: string, key: string, value: unknown): Body => ({ Condition: { [operator]: { [key]: value } } });

describe('an allowed call', () => {
  test.each<[string, Setup, RequiredPermission?, Principal?]>([
    ['its action and resource', { identity: allow() }],
    ['one of several actions', { identity: allow({ Action: ['sqs:Other', 'sqs:SendMessage'] }) }],
    ['an action in another case', { identity: allow({ Action: 'SQS:sendmessage' }) }],
    ['a * in the action', { identity: allow({ Action: 'sqs:Send*' }) }],
    ['a ? in the action', { identity: allow({ Action: 'sqs:SendMessag?' }) }],
    ['every action', { identity: allow({ Action: '*' }) }],
    ['every resource', { identity: allow({ Resource: '*' }) }],
    ['a * in the resource', { identity: allow({ Resource: 'arn:aws:sqs:*:111122223333:jo*' }) }],
    ['NotAction', { identity: { Effect: 'Allow', NotAction: 'sqs:DeleteMessage', Resource: '*' } }],
    ['NotResource', { identity: { Effect: 'Allow', Action: 'sqs:*', NotResource: 'arn:aws:sqs:*:*:other' } }],
    ['an action without resources', { identity: allow({ Action: 'ecr:GetAuthorizationToken', Resource: '*' }) },
      { action: 'ecr:GetAuthorizationToken', resource: '*' }],
    ['the last part of an ARN with colons',
      { identity: allow({ Action: 'logs:*', Resource: 'arn:aws:logs:eu-west-1:111122223333:log-group:x:*' }) },
      { action: 'logs:PutLogEvents', resource: 'arn:aws:logs:eu-west-1:111122223333:log-group:x:log-stream:s' }],
    ['a resource policy alone', { resource: allow({ Principal: { AWS: ROLE_ARN } }) }],
    ['a resource policy for the session', { resource: allow({ Principal: { AWS: CALLER.arn } }) }],
    ['a resource policy for everybody', { resource: allow({ Principal: '*' }) }],
    ['a deny that is limited to plain HTTP', {
      identity: allow(),
      resource: deny({ Action: 'sqs:*', Principal: { AWS: '*' }, ...when('Bool', 'aws:SecureTransport', 'false') }),
    }],
    ['a deny of something else', { identity: [allow(), deny({ Action: 'sqs:DeleteMessage' })] }],
    ['a service with its resource policy',
      {
        resource: allow({
          Principal: { Service: 'scheduler.amazonaws.com' },
          ...when('ArnLike', 'aws:SourceArn', 'arn:aws:scheduler:*:*:schedule-group/*'),
        }),
      },
      SEND, SERVICE],
    ['the administrator', {}, SEND, { arn: 'arn:aws:iam::111122223333:root' }],
    ['a policy variable', { identity: allow({ Resource: 'arn:aws:sqs:eu-west-1:${aws:PrincipalAccount}:jobs' }) }],
  ])('by %s', (_, setup, permission = SEND, caller = CALLER) => {
    expect(() => account(setup).authorize(caller, permission)).not.toThrow();
  });
});

describe('a refused call', () => {
  const noIdentity = 'because no identity-based policy allows the sqs:SendMessage action';
  test.each<[string, Setup, string, Principal?]>([
    ['nothing at all', {}, noIdentity],
    ['another action', { identity: allow({ Action: 'sqs:DeleteMessage' }) }, noIdentity],
    ['another resource', { identity: allow({ Resource: 'arn:aws:sqs:eu-west-1:111122223333:other' }) }, noIdentity],
    ['a * that would have to reach over a colon', { identity: allow({ Resource: 'arn:aws:sqs:*:jobs' }) }, noIdentity],
    ['a pattern that is only a beginning', { identity: allow({ Resource: 'arn:aws:sqs:eu-west-1:111122223333:job' }) },
      noIdentity],
    ['NotAction that excludes it', { identity: { Effect: 'Allow', NotAction: 'sqs:Send*', Resource: '*' } },
      noIdentity],
    ['NotResource that excludes it', { identity: { Effect: 'Allow', Action: '*', NotResource: QUEUE } }, noIdentity],
    ['a deny beside the allow', { identity: [allow(), deny()] }, 'with an explicit deny in an identity-based policy'],
    ['a deny of the resource', { identity: allow(), resource: deny({ Principal: '*' }) },
      'with an explicit deny in a resource-based policy'],
    ['a deny of the account',
      { identity: allow(), resource: deny({ Principal: { AWS: 'arn:aws:iam::111122223333:root' } }) },
      'with an explicit deny in a resource-based policy'],
    ['plain HTTP', {
      identity: allow(),
      secureTransport: false,
      resource: deny({ Principal: '*', ...when('Bool', 'aws:SecureTransport', 'false') }),
    }, 'with an explicit deny in a resource-based policy'],
    ['a resource policy that names the account only', { resource: allow({ Principal: { AWS: '111122223333' } }) },
      noIdentity],
    ['a resource policy for another role',
      { resource: allow({ Principal: { AWS: 'arn:aws:iam::111122223333:role/other' } }) }, noIdentity],
    ['a service without a resource policy', {}, 'because no resource-based policy allows the sqs:SendMessage action',
      SERVICE],
    ['another service', { resource: allow({ Principal: { Service: 'lambda.amazonaws.com' } }) },
      'because no resource-based policy', SERVICE],
  ])('by %s', (_, setup, message, caller = CALLER) => {
    expect(() => account(setup).authorize(caller, SEND)).toThrow(message);
  });

  test('is worded as AWS does', () => {
    expect(() => account({}).authorize(CALLER, SEND))
      .toThrow(`User: ${CALLER.arn} is not authorized to perform: sqs:SendMessage on resource: ${QUEUE} ${noIdentity}`);
  });
});

describe('a condition', () => {
  const context = {
    'x:one': 'abc',
    'x:many': ['a', 'b'],
    'x:number': '5',
    'x:flag': 'true',
    'x:arn': 'arn:aws:s3:::bucket/key',
    'x:absent': [],
  };
  const holds = (operator: string, key: string, value: unknown): boolean => {
    const iam = account({ identity: allow(when(operator, key, value)) });
    return iam.isAllowed(CALLER, { ...SEND, context });
  };
  test.each<[string, string, unknown, boolean]>([
    ['StringEquals', 'x:one', 'abc', true],
    ['StringEquals', 'x:one', 'ABC', false],
    ['StringEquals', 'X:One', 'abc', true],
    ['StringEquals', 'x:one', ['other', 'abc'], true],
    ['StringEquals', 'x:absent', 'abc', false],
    ['StringEqualsIfExists', 'x:absent', 'abc', true],
    ['StringEqualsIfExists', 'x:one', 'other', false],
    ['StringNotEquals', 'x:one', 'abc', false],
    ['StringNotEquals', 'x:one', ['abc', 'other'], false],
    ['StringNotEquals', 'x:one', 'other', true],
    ['StringNotEquals', 'x:absent', 'abc', true],
    ['StringEqualsIgnoreCase', 'x:one', 'ABC', true],
    ['StringNotEqualsIgnoreCase', 'x:one', 'ABC', false],
    ['StringLike', 'x:one', 'a*', true],
    ['StringLike', 'x:one', 'a?', false],
    ['StringNotLike', 'x:one', 'a*', false],
    ['ArnLike', 'x:arn', 'arn:aws:s3:::bucket/*', true],
    ['ArnLike', 'x:arn', 'arn:*', false],
    ['ArnEquals', 'x:arn', 'arn:*:s3:::bucket/key', true],
    ['ArnNotLike', 'x:arn', 'arn:aws:s3:::other/*', true],
    ['Bool', 'x:flag', 'true', true],
    ['Bool', 'x:flag', true, true],
    ['Bool', 'x:flag', 'false', false],
    ['Bool', 'x:absent', 'false', false],
    ['BoolIfExists', 'x:absent', 'true', true],
    ['Null', 'x:absent', 'true', true],
    ['Null', 'x:one', 'true', false],
    ['Null', 'x:one', 'false', true],
    ['NumericEquals', 'x:number', '5.0', true],
    ['NumericLessThan', 'x:number', 5, false],
    ['NumericLessThanEquals', 'x:number', '5', true],
    ['NumericGreaterThan', 'x:number', '4', true],
    ['NumericGreaterThanEquals', 'x:number', '6', false],
    ['NumericNotEquals', 'x:number', '5', false],
    ['ForAnyValue:StringEquals', 'x:many', 'b', true],
    ['ForAnyValue:StringEquals', 'x:many', 'c', false],
    ['ForAnyValue:StringEquals', 'x:absent', 'c', false],
    ['ForAllValues:StringEquals', 'x:many', ['a', 'b', 'c'], true],
    ['ForAllValues:StringEquals', 'x:many', 'a', false],
    ['ForAllValues:StringEquals', 'x:absent', 'a', true],
    ['ForAnyValue:StringNotEquals', 'x:many', 'a', true],
    ['StringEquals', 'aws:PrincipalArn', ROLE_ARN, true],
    ['StringEquals', 'aws:PrincipalAccount', '111122223333', true],
    ['StringEquals', 'aws:ResourceAccount', '111122223333', true],
    ['StringEquals', 'aws:RequestedRegion', 'eu-west-1', true],
    ['StringEquals', 'aws:SourceAccount', '111122223333', false],
    ['Bool', 'aws:SecureTransport', 'true', true],
  ])('%s of %s and %j is %s', (operator, key, value, expected) => {
    expect(holds(operator, key, value)).toBe(expected);
  });

  test('needs all of its keys and operators', () => {
    const both = { Condition: { StringEquals: { 'x:one': 'abc' }, Bool: { 'x:flag': 'false' } } };
    expect(account({ identity: allow(both) }).isAllowed(CALLER, { ...SEND, context })).toBe(false);
  });

  test.each<[string, Setup]>([
    ['an operator that it doesn\'t know', { identity: allow(when('IpAddress', 'aws:SourceIp', '10.0.0.0/8')) }],
    ['a date', { identity: allow(when('DateLessThan', 'aws:CurrentTime', '2030-01-01')) }],
    ['a key that it doesn\'t know', { identity: allow(when('StringEquals', 'aws:PrincipalTag/x', 'y')) }],
    ['several values without a set operator', { identity: allow(when('StringEquals', 'x:many', 'a')) }],
    ['a number that is none', { identity: allow(when('NumericLessThan', 'x:one', '5')) }],
    ['NotPrincipal', { resource: { ...allow(), NotPrincipal: '*' } }],
    ['a federated principal', { resource: allow({ Principal: { Federated: 'x' } }) }],
    ['an element that it doesn\'t know', { identity: allow({ Hello: 1 }) }],
    ['a variable without a value',
      { identity: allow({ Resource: 'arn:aws:sqs:eu-west-1:111122223333:${aws:username}' }) }],
  ])('rejects %s with an error, neither allowing nor denying', (_, setup) => {
    expect(() => account(setup).authorize(CALLER, { ...SEND, context })).toThrow(UnsupportedPolicyError);
  });

  test.each<[string, Body, string]>([
    ['no resource', { Effect: 'Allow', Action: 'a:b' }, 'expected either Resource or NotResource'],
    ['no action', { Effect: 'Allow', Resource: '*' }, 'expected either Action or NotAction'],
    ['a principal in an identity policy', allow({ Principal: '*' }), 'an identity policy has no Principal'],
    ['no effect', { Action: 'a:b', Resource: '*' }, 'expected Allow or Deny'],
  ])('rejects a document with %s', (_, identity, message) => {
    expect(() => account({ identity })).toThrow(message);
  });
});

describe('keys of a family', () => {
  const context = { 'ecr:ResourceTag/': [], 'ecr:ResourceTag/Owner': ['mirror'] };
  const decides = (operator: string, key: string, value: unknown): boolean =>
    account({ identity: allow(when(operator, key, value)) }).isAllowed(CALLER, { ...SEND, context });

  test.each<[string, string, unknown, boolean]>([
    ['StringEquals', 'ecr:ResourceTag/Owner', 'mirror', true],
    ['StringLike', 'ECR:resourcetag/owner', 'mir*', true],
    ['StringEquals', 'ecr:ResourceTag/Other', 'mirror', false],
    ['StringEqualsIfExists', 'ecr:ResourceTag/Other', 'mirror', true],
    ['Null', 'ecr:ResourceTag/Other', 'true', true],
    ['Null', 'ecr:ResourceTag/Owner', 'true', false],
  ])('%s %s %p: %p', (operator, key, value, expected) => {
    expect(decides(operator, key, value)).toBe(expected);
  });

  test('fails for a family that the service does not have', () => {
    expect(() => decides('StringEquals', 'sqs:ResourceTag/Owner', 'mirror')).toThrow(UnsupportedPolicyError);
  });
});

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
describe('a caller of another account', () => {
  const foreign: Principal = { account: '999999999999', arn: 'arn:aws:sts::999999999999:assumed-role/other/session' };

  test.each<[string, Setup, boolean]>([
    ['a resource policy that names its account',
      { resource: allow({ Principal: { AWS: 'arn:aws:iam::999999999999:root' } }) }, true],
    ['a resource policy for everybody', { resource: allow({ Principal: '*' }) }, true],
    ['a resource policy that names this account', { resource: allow({ Principal: { AWS: '111122223333' } }) }, false],
    ['a condition on its account',
      { resource: allow({ Principal: '*', ...when('StringEquals', 'aws:PrincipalAccount', '111122223333') }) }, false],
    ['no resource policy', {}, false],
  ])('with %s', (_, setup, expected) => {
    expect(account(setup).isAllowed(foreign, SEND)).toBe(expected);
  });
});

describe('the policy version of 2008', () => {
  const old = (Resource: string): object => ({ Version: '2008-10-17', Statement: allow({ Resource }) });

  test('is read where it means the same, and rejects variables', () => {
    const iam = account({});
    iam.setPolicy(iam.role(ROLE_ARN), 'Old', old(QUEUE));
    expect(iam.isAllowed(CALLER, SEND)).toBe(true);
    expect(() => iam.setPolicy(iam.role(ROLE_ARN), 'Old', old('arn:aws:sqs:*:${aws:PrincipalAccount}:jobs')))
      .toThrow(UnsupportedPolicyError);
  });
});

describe('assuming a role', () => {
  const trust = (more: Body = {}): Body => ({
    Effect: 'Allow',
    Action: 'sts:AssumeRole',
    Principal: { Service: 'scheduler.amazonaws.com' },
    ...more,
  });
  test.each<[string, Body]>([
    ['the service', trust()],
    ['the service for its account', trust(when('StringEquals', 'aws:SourceAccount', '111122223333'))],
    ['the service for its resource',
      trust(when('ArnLike', 'aws:SourceArn', 'arn:aws:scheduler:*:*:schedule-group/default'))],
  ])('is allowed to %s', (_, statement) => {
    expect(() => account({ trust: statement }).assume(SERVICE, ROLE_ARN)).not.toThrow();
  });

  test.each<[string, Body]>([
    ['another service', trust({ Principal: { Service: 'lambda.amazonaws.com' } })],
    ['the service for another account', trust(when('StringEquals', 'aws:SourceAccount', '999999999999'))],
    ['the service for another resource',
      trust(when('ArnLike', 'aws:SourceArn', 'arn:aws:scheduler:*:*:schedule-group/other'))],
  ])('fails for %s', (_, statement) => {
    expect(() => account({ trust: statement }).assume(SERVICE, ROLE_ARN))
      .toThrow(`not authorized to perform: sts:AssumeRole on resource: ${ROLE_ARN}`);
  });
});

describe('the report', () => {
  const used = (iam: Iam): unknown[] => iam.ledger.report().grants.map(grant => [grant.pattern, grant.used]);

  test('counts each action and resource pattern', () => {
    const iam = account({
      identity: allow({ Action: ['sqs:SendMessage', 'sqs:GetQueueUrl'], Resource: [QUEUE, `${QUEUE}-2`] }),
    });
    iam.authorize(CALLER, SEND);
    iam.authorize(CALLER, SEND);
    expect(used(iam)).toEqual([['sqs:SendMessage', 2], ['sqs:GetQueueUrl', 0], [QUEUE, 2], [`${QUEUE}-2`, 0]]);
    expect(iam.ledger.report().unused.map(grant => [grant.holder, grant.policy, grant.statement, grant.element]))
      .toEqual([['Worker', 'Default', 0, 'Action'], ['Worker', 'Default', 0, 'Resource']]);
  });

  test('shows a * that was added beside a narrower statement as unused', () => {
    const iam = account({ identity: [allow({ Action: '*', Resource: '*' }), allow()] });
    iam.authorize(CALLER, SEND);
    expect(iam.ledger.report().unused.map(grant => grant.pattern)).toEqual(['*', '*']);
  });

  test('shows a * that was added into a list as unused, and as a wildcard', () => {
    const iam = account({ identity: allow({ Action: ['sqs:*', 'sqs:SendMessage'] }) });
    iam.authorize(CALLER, SEND);
    expect(iam.ledger.report().unused.map(grant => grant.pattern)).toEqual(['sqs:*']);
    expect(iam.ledger.report().wildcards.map(grant => grant.pattern)).toEqual(['sqs:*']);
  });

  test('holds every denial', () => {
    const iam = account({});
    expect(() => iam.authorize(CALLER, SEND)).toThrow();
    expect(iam.ledger.report().denials)
      .toEqual([expect.objectContaining({ principal: CALLER.arn, action: 'sqs:SendMessage', resource: QUEUE })]);
  });

  test('isn\'t touched by looking ahead', () => {
    const iam = account({ identity: allow() });
    expect(iam.isAllowed(CALLER, SEND)).toBe(true);
    expect(used(iam)).toEqual([['sqs:SendMessage', 0], [QUEUE, 0]]);
  });
});
