import { creationOrder, parseTemplate } from '../../../../sandbox/aws/core/template';

const thing = (properties: object = {}, more: object = {}): object => ({
  Type: 'X::Y::Z',
  Properties: properties,
  ...more,
});

describe('creationOrder', () => {
  test('puts what is referred to first', () => {
    const template = parseTemplate({
      Resources: {
        A: thing({ b: { Ref: 'B' } }),
        B: thing({ c: { 'Fn::Sub': '${C.Arn}' } }),
        C: thing({}, { DependsOn: ['D'] }),
        D: thing(),
      },
    });
    expect(creationOrder(template)).toEqual(['D', 'C', 'B', 'A']);
  });

  test('rejects a cycle by naming it', () => {
    const template = parseTemplate({
      Resources: { A: thing({ b: { Ref: 'B' } }), B: thing({ a: { 'Fn::GetAtt': ['A', 'Arn'] } }) },
    });
    expect(() => creationOrder(template)).toThrow('Circular dependency between resources: A -> B -> A');
  });

  test('rejects a dependency on nothing', () => {
    expect(() => creationOrder(parseTemplate({ Resources: { A: thing({}, { DependsOn: 'B' }) } })))
      .toThrow('Resources.A.DependsOn: the template has no resource \'B\'');
  });
});

describe('parseTemplate', () => {
  test.each<[string, object, string]>([
    ['an unknown section', { Transform: 'x', Resources: {} }, 'doesn\'t know \'Transform\''],
    ['an unknown attribute of a resource', { Resources: { A: thing({}, { CreationPolicy: {} }) } },
      'Resources.A: the local cloud doesn\'t know \'CreationPolicy\''],
    ['an unknown deletion policy', { Resources: { A: thing({}, { DeletionPolicy: 'Snapshot' }) } }, 'got \'Snapshot\''],
    ['no resources', {}, 'Resources: expected an object'],
  ])('rejects %s', (_, template, message) => {
    expect(() => parseTemplate(template)).toThrow(message);
  });
});
