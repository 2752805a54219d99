import {
  ConditionKey,
  conditionKeys,
  isNoticed,
  nameOf,
  policySets,
  satisfying,
  violating,
} from './mutation/conditions';
import { NEVER_NOTICED } from './mutation/never-noticed';
import { ACCOUNT } from './mutation/scenario';
import { Condition, conditionHolds } from '../../sandbox/aws/core/iam-conditions';
import { parsePolicy, Statement } from '../../sandbox/aws/core/iam-policy';
import { World } from '../../sandbox/world/world';

describe('the conditions of the deployed mirror', () => {
  let found: ConditionKey[] = [];

  beforeAll(async () => {
    const world = await World.start({ registries: 'embedded', cloud: ACCOUNT });
    try {
      found = conditionKeys(policySets(world.cloud));
    } finally {
      await world.close();
    }
  }, 120_000);

  const listed = (key: ConditionKey): boolean => NEVER_NOTICED.some(({ name }) => name.test(nameOf(key)));

  test('are found in trust policies, queue policies and permissions of functions', () => {
    expect([...new Set(found.map(({ set }) => set.kind))]).toEqual(expect.arrayContaining(['trust', 'resource']));
    process.stdout.write(`\n${found.map(nameOf).join('\n')}\n\n`);
  });

  test("can't be taken away one by one without letting something through", () => {
    expect(found.filter(key => !listed(key) && !isNoticed(key)).map(nameOf)).toEqual([]);
  });

  test('that are listed as never noticed are there, and are not', () => {
    const unnoticed = found.filter(key => !isNoticed(key)).map(nameOf);
    expect(NEVER_NOTICED.filter(({ name }) => !unnoticed.some(each => name.test(each)))).toEqual([]);
  });
});

describe('taking a condition away', () => {
  const allow = (more: object): object => ({
    Effect: 'Allow',
    Action: 'sqs:SendMessage',
    Resource: 'arn:aws:sqs:eu-west-1:111122223333:*',
    ...more,
  });
  const guarded = allow({ Condition: { StringEquals: { 'aws:SourceAccount': '111122223333' } } });

  function keysOf(...statements: object[]): ConditionKey[] {
    const source = { kind: 'identity', holder: 'Role', policy: 'Default' } as const;
    const parsed: readonly Statement[] = parsePolicy({ Version: '2012-10-17', Statement: statements }, source);
    return conditionKeys([{ kind: 'identity', holder: 'Role', statements: parsed }]);
  }

  test.each<[string, object[], boolean[]]>([
    ['the only one of a statement', [guarded], [true]],
    [
      'each of two',
      [allow({ Condition: { StringEquals: { 'aws:SourceAccount': '1', 'kms:ViaService': 'sqs' } } })],
      [true, true],
    ],
    ['one that another statement makes useless', [guarded, allow({})], [false]],
    ['one whose statement is denied anyway', [guarded, allow({ Effect: 'Deny' })], [false]],
    [
      'one of a deny',
      [allow({}), allow({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } })],
      [true],
    ],
  ])('%s', (_, statements, noticed) => {
    expect(keysOf(...statements).map(isNoticed)).toEqual(noticed);
  });

  test.each<[string, string[]]>([
    ['StringEquals', ['a']],
    ['StringLike', ['a*']],
    ['StringNotEquals', ['a']],
    ['ForAllValues:StringEquals', ['a', 'b']],
    ['ForAnyValue:StringEquals', ['a', 'b']],
    ['ArnLike', ['arn:aws:sqs:*:111122223333:*']],
    ['Bool', ['true']],
    ['Bool', ['false']],
    ['Null', ['true']],
    ['Null', ['false']],
    ['StringEqualsIfExists', ['a']],
  ])('%s %p: one value satisfies it and one does not', (operator, values) => {
    const condition: Condition = { operator, key: 'k', values };
    const holds = (value: readonly string[]): boolean => conditionHolds(condition, new Map([['k', value]]));
    expect([holds(satisfying(condition)), holds(violating(condition))]).toEqual([true, false]);
  });
});
