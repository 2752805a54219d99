import { evaluateCondition, references, resolve, Scope } from '../../../../sandbox/aws/core/intrinsics';

const conditions: Record<string, unknown> = {
  Yes: { 'Fn::Equals': ['a', 'a'] },
  No: { 'Fn::Equals': [{ Ref: 'AWS::Region' }, 'a'] },
  Both: { 'Fn::And': [{ Condition: 'Yes' }, { Condition: 'No' }] },
  Either: { 'Fn::Or': [{ Condition: 'Yes' }, { Condition: 'No' }] },
  Opposite: { 'Fn::Not': [{ Condition: 'No' }] },
};

const scope: Scope = {
  pseudo: { 'AWS::Region': 'eu-west-1', 'AWS::Partition': 'aws' },
  mappings: { Sizes: { small: { cpu: 1 } } },
  ref: name => ({ Queue: 'https://queue', Count: 3 } as Record<string, unknown>)[name],
  getAtt: (id, attribute) => `${id}/${attribute}`,
  condition: name => {
    if (!(name in conditions)) { throw new Error(`no condition '${name}'`); }
    return evaluateCondition(conditions[name], scope, name);
  },
};

describe('resolve', () => {
  test.each<[string, unknown, unknown]>([
    ['a scalar', 5, 5],
    ['a plain object', { a: [1, { b: true }] }, { a: [1, { b: true }] }],
    ['Ref to a resource', { Ref: 'Queue' }, 'https://queue'],
    ['Ref to a pseudo parameter', { Ref: 'AWS::Region' }, 'eu-west-1'],
    ['Fn::GetAtt as a list', { 'Fn::GetAtt': ['Queue', 'Arn'] }, 'Queue/Arn'],
    ['Fn::GetAtt as a string', { 'Fn::GetAtt': 'Queue.Arn' }, 'Queue/Arn'],
    ['Fn::GetAtt with a dot in the attribute', { 'Fn::GetAtt': ['Queue', 'A.B'] }, 'Queue/A.B'],
    ['Fn::Join', { 'Fn::Join': ['-', ['a', { Ref: 'Count' }, { Ref: 'AWS::Region' }]] }, 'a-3-eu-west-1'],
    ['Fn::Join over Fn::Split', { 'Fn::Join': ['', { 'Fn::Split': ['/', 'a/b'] }] }, 'ab'],
    ['Fn::Join without a value that isn\'t', { 'Fn::Join': [',', ['a', { Ref: 'AWS::NoValue' }, 'b']] }, 'a,b'],
    ['Fn::Sub', { 'Fn::Sub': 'x-${AWS::Region}-${Queue.Arn}-${Queue}' }, 'x-eu-west-1-Queue/Arn-https://queue'],
    ['Fn::Sub with variables', { 'Fn::Sub': ['${a}-${AWS::Partition}', { a: { Ref: 'Count' } }] }, '3-aws'],
    ['Fn::Sub with a literal', { 'Fn::Sub': '${!Keep}' }, '${Keep}'],
    ['Fn::Select', { 'Fn::Select': [1, ['a', 'b']] }, 'b'],
    ['Fn::Select with a text index over Fn::Split', { 'Fn::Select': ['2', { 'Fn::Split': ['/', 'a/b/c'] }] }, 'c'],
    ['Fn::Base64', { 'Fn::Base64': 'abc' }, 'YWJj'],
    ['Fn::FindInMap', { 'Fn::FindInMap': ['Sizes', 'small', 'cpu'] }, 1],
    ['Fn::If, taken', { 'Fn::If': ['Yes', 'then', { Ref: 'Nobody' }] }, 'then'],
    ['Fn::If, not taken', { 'Fn::If': ['No', { Ref: 'Nobody' }, 'else'] }, 'else'],
    ['AWS::NoValue in an object', { a: { Ref: 'AWS::NoValue' }, b: 1 }, { b: 1 }],
    ['AWS::NoValue in a list', [{ Ref: 'AWS::NoValue' }, 1], [1]],
    ['AWS::NoValue through Fn::If', { a: { 'Fn::If': ['No', 1, { Ref: 'AWS::NoValue' }] } }, {}],
    ['an object with a property called Ref', { Ref: 'x', Other: 1 }, { Ref: 'x', Other: 1 }],
  ])('%s', (_, value, expected) => {
    expect(resolve(value, scope, 'here')).toEqual(expected);
  });

  test.each<[string, unknown, string]>([
    ['an unknown name', { Ref: 'Nobody' }, 'here.Ref: nothing is called \'Nobody\''],
    ['an unknown name in Fn::Sub', { 'Fn::Sub': '${Nobody}' }, 'nothing is called \'Nobody\''],
    ['an unknown function', { 'Fn::Cidr': [] },
      'doesn\'t know the function Fn::Cidr; add it in sandbox/aws/core/intrinsics.ts'],
    ['an import', { 'Fn::ImportValue': 'x' }, 'Fn::ImportValue needs another stack'],
    ['a function beside other keys', { 'Fn::Join': ['', []], 'x': 1 }, 'stands beside other keys'],
    ['a dynamic reference', '{{resolve:secretsmanager:x}}', 'dynamic reference'],
    ['a dynamic reference that was joined', { 'Fn::Join': ['', ['{{resolve:secrets', 'manager:x}}']] },
      'dynamic reference'],
    ['an index outside of the list', { 'Fn::Select': [2, ['a']] }, 'index 2 is outside of a list of 1'],
    ['an object in Fn::Join', { 'Fn::Join': ['', [{ a: 1 }]] }, 'expected a string'],
    ['a map entry that isn\'t there', { 'Fn::FindInMap': ['Sizes', 'big', 'cpu'] }, 'no Sizes.big.cpu'],
    ['an unknown condition', { 'Fn::If': ['Perhaps', 1, 2] }, 'no condition \'Perhaps\''],
  ])('rejects %s', (_, value, message) => {
    expect(() => resolve(value, scope, 'here')).toThrow(message);
  });
});

describe('conditions', () => {
  test.each([['Yes', true], ['No', false], ['Both', false], ['Either', true], ['Opposite', true]])(
    '%s is %s',
    (name, expected) => {
      expect(scope.condition(name)).toBe(expected);
    },
  );

  test('rejects a function that it doesn\'t know', () => {
    expect(() => evaluateCondition({ 'Fn::Contains': [] }, scope, 'here')).toThrow('condition function Fn::Contains');
  });
});

test('references are found in Ref, Fn::GetAtt and Fn::Sub', () => {
  const value = {
    a: { Ref: 'A' },
    b: [{ 'Fn::GetAtt': ['B', 'Arn'] }, { 'Fn::GetAtt': 'C.Arn' }],
    d: { 'Fn::Sub': ['${D.Arn} ${E} ${!No}', { x: { Ref: 'F' } }] },
  };
  expect([...references(value)].sort()).toEqual(['A', 'B', 'C', 'D', 'E', 'F']);
});
