import { shown } from '../../../lambda/shared/shown';

test.each<[string, unknown, string]>([
  ['a text', 'a "b"', '"a \\"b\\""'],
  ['nothing', undefined, 'undefined'],
  ['an object', { length: 3 }, '{"length":3}'],
  ['line breaks of JSON, of Unicode and of terminals', '\n\u2028\u0085', '"\\n\\u2028\\u0085"'],
  ['a long text', 'a'.repeat(1_000), `"${'a'.repeat(99)}`],
])('%s is shown on one short line', (_, value, text) => {
  expect(shown(value)).toBe(text);
});

test('a value that is too deep for JSON.stringify is named', () => {
  expect(shown(JSON.parse('['.repeat(20_000) + ']'.repeat(20_000)))).toBe('a value that JSON can\'t show');
});
