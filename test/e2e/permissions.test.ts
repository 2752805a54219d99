import { Duration } from 'aws-cdk-lib';
import { MutableAssembly } from './mutation/assembly';
import { hurry } from './mutation/hurry';
import { isNeverUsed, NEVER_USED } from './mutation/never-used';
import { ACCOUNT, differences, exercise, prepare } from './mutation/scenario';
import { actionsOf, changeStatement, shortName } from './mutation/statements';
import { table } from './mutation/table';
import type { Grant, IamReport } from '../../sandbox/aws/core/iam-ledger';
import { buildxIndex } from '../../sandbox/registry/artifacts';
import { mutate, removeResource } from '../../sandbox/world/template';
import { World } from '../../sandbox/world/world';
import { CopyEngine } from '../../src';

const mirror = { coalescingWindow: Duration.seconds(0) };

/** Every pattern with a wildcard that the template may have, and why. Another one has to be added here on purpose. */
const WILDCARDS: readonly { readonly pattern: RegExp; readonly reason: string }[] = [
  { pattern: /^arn:aws:logs:[^*]*:log-group:Images-[^*]+:\*$/, reason: 'the streams of one log group' },
  { pattern: /^arn:aws:secretsmanager:[^*]*:secret:github\/[a-z-]+-\?{6}$/, reason: 'a secret imported by name: Secrets Manager appends six characters' },
  { pattern: /^arn:aws:ecr:[^*]*:repository\/my-org\/\*$/, reason: 'repositories below the prefix, which are created on demand' },
  { pattern: /^arn:aws:lambda:[^*]*:function:Images-MirrorRegistrationFunction[^*]*:\*$/, reason: 'grantInvoke() of CDK: versions of this function' },
];

/**
 * ecr:GetAuthorizationToken has no resource:
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
 */
const ANY_RESOURCE = { holder: 'MirrorSyncRole', action: 'ecr:GetAuthorizationToken' };

describe.each([
  CopyEngine.SKOPEO,
  CopyEngine.DIRECT,
])('the permissions of the template, after everything was used once by %s', engine => {
  const settings = { ...mirror, engine };
  let report: IamReport;
  let afterDelete: IamReport;
  let missing: string[];

  beforeAll(async () => {
    const world = await World.start({ mirror: settings, cloud: ACCOUNT, beforeDeploy: prepare });
    try {
      await exercise(world);
      await world.push('team/tools/lint', buildxIndex({ seed: 'nested', layerBytes: 64 }), 'v3', 'stable');
      await hurry(world);
      missing = await differences(world);
      await world.redeploy({ ...settings, webhookActive: false });
      await world.redeploy(settings);
      await hurry(world);
      // Policies are gone with the stack, so what they granted is read before.
      report = world.cloud.iamReport();
      await world.stack.delete();
      afterDelete = world.cloud.iamReport();
    } finally {
      await world.close();
    }
  }, 180_000);

  test('were enough for every image', () => {
    expect(missing).toEqual([]);
    expect(report.denials).toEqual([]);
  });

  test('were enough to delete the stack', () => {
    expect(afterDelete.denials).toEqual([]);
  });

  test('were all used, but those that only AWS itself makes necessary', () => {
    const unexplained = report.unused.filter(grant => !NEVER_USED.some(entry => isNeverUsed(grant, entry)));
    expect(unexplained.map(describeGrant)).toEqual([]);
    const stale = NEVER_USED.filter(entry => !report.unused.some(grant => isNeverUsed(grant, entry)));
    expect(stale).toEqual([]);
    process.stdout.write(`\n${usage(report)}\n\n`);
  });

  test('hold no wildcard that nobody has explained', () => {
    const unexplained = unexplainedWildcards(report);
    expect(unexplained.map(describeGrant)).toEqual([]);
  });
});

describe('a wildcard that somebody adds', () => {
  let report: IamReport;

  beforeAll(async () => {
    const world = await World.start({
      mirror,
      beforeDeploy: async (starting, assembly) => {
        mutate(assembly, template => {
          changeStatement(template, 'MirrorSyncRoleDefaultPolicy', 4, statement => ({
            ...statement,
            Action: [...actionsOf(statement), 'ecr:*'],
          }));
          changeStatement(template, 'MirrorDispatchFunctionRoleDefaultPolicy', 3, statement => ({
            ...statement,
            Resource: [statement.Resource, '*'],
          }));
          changeStatement(template, 'MirrorWebhookFunctionRoleDefaultPolicy', 2, statement => ({
            ...statement,
            Action: 'sqs:*',
          }));
        });
        await prepare(starting);
      },
    });
    try {
      await exercise(world);
      report = world.cloud.iamReport();
    } finally {
      await world.close();
    }
  }, 120_000);

  test.each([
    ['beside narrower actions', 'MirrorSyncRole', 'Action', 'ecr:*'],
    ['beside a narrower resource', 'MirrorDispatchFunctionRole', 'Resource', '*'],
  ])('shows up as unused %s', (_, holder, element, pattern) => {
    expect(report.unused.map(summary)).toContainEqual({ holder, element, pattern });
  });

  test('shows up as an unexplained wildcard even where it is used', () => {
    expect(unexplainedWildcards(report).map(summary)).toEqual(expect.arrayContaining([
      { holder: 'MirrorSyncRole', element: 'Action', pattern: 'ecr:*' },
      { holder: 'MirrorDispatchFunctionRole', element: 'Resource', pattern: '*' },
      { holder: 'MirrorWebhookFunctionRole', element: 'Action', pattern: 'sqs:*' },
    ]));
    expect(report.grants.find(grant => grant.pattern === 'sqs:*')?.used).toBeGreaterThan(0);
  });
});

describe('the queues\' policies refuse what is not encrypted', () => {
  test('fails to deploy over plain HTTP', async () => {
    await expect(World.start({ mirror, cloud: { secureTransport: false } }))
      .rejects.toThrow('does not have permissions to call ReceiveMessage on SQS');
  });

  test('works over plain HTTP without the policies, each for its queue', async () => {
    let assembly: MutableAssembly | undefined;
    const world = await World.start({
      mirror,
      cloud: { secureTransport: false },
      beforeDeploy: (_, directory) => {
        assembly = new MutableAssembly(directory);
        assembly.with(template => removeResource(template, policyId(template.Resources, 'MirrorQueuesQueuePolicy')));
      },
    });
    try {
      const { DeadLetterQueueUrl, QueueUrl } = world.stack.outputs;
      const count = (QueueUrl_: string): Promise<unknown> => world.cloud.call('sqs', 'GetQueueAttributes', {
        QueueUrl: QueueUrl_,
        AttributeNames: ['ApproximateNumberOfMessages'],
      });
      await expect(count(QueueUrl)).resolves.toBeDefined();
      await expect(count(DeadLetterQueueUrl)).rejects.toThrow('with an explicit deny in a resource-based policy');
      await world.stack.update(assembly?.with(template => {
        ['MirrorQueuesQueuePolicy', 'MirrorQueuesDeadLetterQueuePolicy']
          .forEach(prefix => removeResource(template, policyId(template.Resources, prefix)));
      }) ?? '');
      await expect(count(DeadLetterQueueUrl)).resolves.toBeDefined();
    } finally {
      await world.close();
    }
  }, 60_000);
});

function policyId(resources: Readonly<Record<string, unknown>>, prefix: string): string {
  const id = Object.keys(resources).find(candidate => candidate.startsWith(prefix));
  if (id === undefined) { throw new Error(`the template has no resource whose id begins with "${prefix}"`); }
  return id;
}

function unexplainedWildcards(report: IamReport): Grant[] {
  return report.wildcards.filter(grant => {
    if (WILDCARDS.some(({ pattern }) => grant.element === 'Resource' && pattern.test(grant.pattern))) { return false; }
    // Lambda writes the policy of a function itself, from AWS::Lambda::Permission.
    if (grant.kind === 'resource' && grant.holder.includes(':function:')) { return false; }
    return !(grant.pattern === '*'
      && shortName(grant.holder) === ANY_RESOURCE.holder
      && actionsBeside(report, grant).join() === ANY_RESOURCE.action);
  });
}

function actionsBeside({ grants }: IamReport, { holder, policy, statement }: Grant): string[] {
  return grants.filter(grant => grant.element === 'Action'
    && grant.holder === holder
    && grant.policy === policy
    && grant.statement === statement).map(grant => grant.pattern);
}

function summary({ holder, element, pattern }: Grant): Pick<Grant, 'holder' | 'element' | 'pattern'> {
  return { holder: shortName(holder), element, pattern };
}

function describeGrant({ holder, statement, element, pattern }: Grant): string {
  return `${shortName(holder)}[${statement}] ${element} ${pattern}`;
}

/** How often each action was needed. */
function usage({ grants }: IamReport): string {
  const rows = grants.filter(({ kind, element }) => kind === 'identity' && element === 'Action')
    .map(({ holder, statement, pattern, used }) => [shortName(holder), `[${statement}]`, pattern, String(used)]);
  return table([['role', '', 'action', 'used'], ...rows]);
}
