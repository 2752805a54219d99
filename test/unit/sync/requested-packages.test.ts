import { requestedPackages } from '../../../lambda/sync/requested-packages';

describe('requestedPackages', () => {
  test.each([
    ['["app"]', ['app']],
    ['["app","team/tool"]', ['app', 'team/tool']],
    [' [ "app" ]\n', ['app']],
  ])('reads %s', (value, expected) => {
    expect(requestedPackages({ PACKAGES: value })).toEqual(expected);
  });

  test.each([[undefined], [''], ['  '], ['[]']])('takes %j for every package', value => {
    expect(requestedPackages({ PACKAGES: value })).toBeUndefined();
  });

  test('rejects several lines on one', () => {
    expect(() => requestedPackages({ PACKAGES: 'app\n{"summary":{}}' }))
      .toThrow('is app\\u000a{"summary":{}}, expected');
  });

  test.each([
    'app', 'app,tool', '"app"', '{"app":1}', '[1]', '["app",null]', '[""]', '["app"', 'null',
  ])('rejects %s', value => {
    expect(() => requestedPackages({ PACKAGES: value })).toThrow(`Variable PACKAGES is ${value}, `
      + 'expected a JSON array of package names such as ["app","team/tool"]; leave it out to sync every package.');
  });
});
