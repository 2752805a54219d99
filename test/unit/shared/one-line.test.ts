import { oneLine } from '../../../lambda/shared/one-line';

test.each([
  ['a line feed', 'copied\n{"summary":{"failed":0}}', 'copied\\u000a{"summary":{"failed":0}}'],
  ['a carriage return', 'failed\rcopied', 'failed\\u000dcopied'],
  ['an escape sequence', '\u001b[2J', '\\u001b[2J'],
  ['the separators of Unicode', 'a\u2028b\u2029c', 'a\\u2028b\\u2029c'],
  ['nothing of it', 'copied   my-org/app:1 – ünï', 'copied   my-org/app:1 – ünï'],
])('text with %s is one line', (_, text, line) => {
  expect(oneLine(text)).toBe(line);
});
