import { lastPage } from '../../../lambda/shared/last-page';

const link = (page: string): string =>
  `<https://api.github.com/organizations/1/packages?per_page=100&page=2>; rel="next", <https://api.github.com/organizations/1/packages?per_page=100&page=${page}>; rel="last"`;

test.each<[string, string | undefined, number | undefined]>([
  ['the page of the last relation', link('17'), 17],
  ['nothing without a header', undefined, undefined],
  ['nothing of a header without a last relation', '<https://api.github.com/x?page=1>; rel="prev"', undefined],
])('tells %s', (_, header, expected) => {
  expect(lastPage(header)).toBe(expected);
});

test.each([
  ['no number', link('x')],
  ['a number that no list can have', link('9'.repeat(15))],
  ['a fraction', link('1.5')],
  ['zero', link('0')],
  ['no URL', 'page=3; rel="last"'],
])('rejects a last page with %s, for one page alone would look like a short listing', (_, header) => {
  expect(() => lastPage(header)).toThrow(/Link header names the last page by .*, expected a URL with a `page` between 1 and 100000/);
});
