/**
 * A listing of more pages than this (of 100 entries each) is taken for a mistake of the server's: reading it would
 * never end.
 */
const MOST_PAGES = 100_000;

/**
 * Number of the last page, as a Link header tells; undefined where the header names none, because there is one page
 * only.
 *
 * The header is split instead of searched: a regular expression went over a long header again and again.
 *
 * @throws when the header names a last page without a usable number. Reading one page only
 * would look like a short listing.
 * @see https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api
 */
export function lastPage(link: string | undefined): number | undefined {
  const entry = link?.split(',').find(part => part.includes('rel="last"'));
  if (entry === undefined) { return undefined; }
  const url = entry.slice(entry.indexOf('<') + 1, entry.indexOf('>'));
  const page = Number(URL.canParse(url) ? new URL(url).searchParams.get('page') : undefined);
  if (!Number.isInteger(page) || page < 1 || page > MOST_PAGES) {
    throw new Error("GitHub's Link header names the last page by "
      + `${JSON.stringify(url.slice(0, 200))}, expected a URL with `
      + `a \`page\` between 1 and ${MOST_PAGES}. Nothing was taken for missing; the next run reads the list again.`);
  }
  return page;
}
