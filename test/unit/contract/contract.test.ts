import fc from 'fast-check';
import { ORGANIZATION_MESSAGE, PackageMessage, parseMessage } from '../../../src/contract/messages';

describe('parseMessage', () => {
  test.each([
    ['{"kind":"organization"}', { kind: 'organization' }],
    ['{"kind":"organization","by":"hand"}', { kind: 'organization' }],
    ['{"kind":"package","package":"app"}', { kind: 'package', package: 'app' }],
    ['{"kind":"package","package":"team/tool","digest":"sha256:1","delivery":"d"}',
      { kind: 'package', package: 'team/tool', digest: 'sha256:1', delivery: 'd' }],
    ['{"kind":"package","package":"app","reconcile":true}', { kind: 'package', package: 'app', reconcile: true }],
    ['{"kind":"package","package":"app","reconcile":"yes"}', { kind: 'package', package: 'app' }],
    ['{"kind":"package","package":"app","digest":null,"delivery":7}', { kind: 'package', package: 'app' }],
  ])('reads %s', (body, expected) => {
    expect(parseMessage(body)).toEqual(expected);
  });

  test('reads what was written, whatever the names hold', () => {
    const text = fc.string({ minLength: 1, unit: 'grapheme' });
    const messages = fc.record({ kind: fc.constant('package' as const), package: text, digest: text, delivery: text }, {
      requiredKeys: ['kind', 'package'],
    });
    fc.assert(fc.property(messages, (message: PackageMessage) => {
      expect(parseMessage(JSON.stringify(message))).toEqual(message);
    }));
    expect(parseMessage(JSON.stringify(ORGANIZATION_MESSAGE))).toEqual(ORGANIZATION_MESSAGE);
  });

  test.each([
    ['nothing', '', 'is not a JSON object'],
    ['text', 'hello', 'is not a JSON object'],
    ['a list', '[]', 'is not a JSON object'],
    ['null', 'null', 'is not a JSON object'],
    ['no kind', '{}', 'has kind undefined'],
    ['another kind', '{"kind":"everything"}', 'has kind "everything"'],
    ['a kind of three thousand characters', `{"kind":"${'a'.repeat(3_000)}"}`, 'has a kind that is no word'],
    ['a kind so deep that it can\'t be written as JSON', `{"kind":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
      'has a kind that is no word'],
    ['no package', '{"kind":"package"}', 'names no package'],
    ['an empty package', '{"kind":"package","package":""}', 'names no package'],
    ['a package that is no text', '{"kind":"package","package":["app"]}', 'names no package'],
  ])('rejects %s', (_, body, why) => {
    expect(() => parseMessage(body)).toThrow(why);
  });

  test('rejects with what is expected and whom to look for', () => {
    expect(() => parseMessage('{}')).toThrow(/expected \{"kind":"organization"\} or \{"kind":"package","package":"NAME"\}\. .*look for another sender/);
  });
});
