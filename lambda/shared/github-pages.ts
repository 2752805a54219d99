import pLimit from 'p-limit';
import type { GitHubClient } from './github-client';
import { isObject } from './is-object';
import { lastPage } from './last-page';
import { settleAll } from './settle-all';

/** Pages of one listing that are read at the same time. GitHub wants fewer than 100 requests of a token under way. */
const CONCURRENT_PAGES = 4;

/** Pages that are asked for on the word of one `rel="last"`. */
const MAX_AHEAD = 100;

/** One page of a listing. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly hasNext: boolean;
  /** Number of the last page, where GitHub tells. It is a hint: it may be absent where GitHub can't calculate it. */
  readonly last: number | undefined;
}

export type ReadPage<T> = (page: number) => Promise<Page<T>>;

/** GitHub answered with something else than it documents. */
export class UnexpectedAnswer extends Error {
  public override readonly name = 'UnexpectedAnswer';
}

/**
 * Reads a page of a listing. A page that isn't what GitHub documents is an error: taken for an empty one, it would
 * hide what it lists.
 *
 * @param item reads one entry; undefined for what is none
 */
export function pageReader<T>(
  client: GitHubClient,
  route: string,
  parameters: Readonly<Record<string, unknown>>,
  item: (entry: Readonly<Record<string, unknown>>) => T | undefined,
): ReadPage<T> {
  return async page => {
    const { data, headers } = await client.request(route, { ...parameters, per_page: 100, page });
    const link = headers.link ?? '';
    const hasNext = link.split(',').some(part => part.includes('rel="next"'));
    const items = parseItems(data as unknown, item, `${route}, page ${page}`);
    if (items.length === 0 && hasNext) {
      throw new UnexpectedAnswer(`GitHub's answer to ${route}, page ${page}, is an empty page before others.`);
    }
    return { items, hasNext, last: lastPage(link) };
  };
}

function parseItems<T>(
  data: unknown,
  item: (entry: Readonly<Record<string, unknown>>) => T | undefined,
  what: string,
): T[] {
  if (!Array.isArray(data)) {
    throw new UnexpectedAnswer(`GitHub's answer to ${what}, is ${typeof data}, expected a list.`);
  }
  return data.map((entry: unknown, at) => {
    const parsed = isObject(entry) ? item(entry) : undefined;
    if (parsed === undefined) {
      throw new UnexpectedAnswer(`Entry ${at} of GitHub's answer to ${what}, is not of the documented shape.`);
    }
    return parsed;
  });
}

/** Reads to the page that says that none follows. */
export async function readAllPages<T>(read: ReadPage<T>): Promise<T[]> {
  const limit = pLimit(CONCURRENT_PAGES);
  const pages = [await read(1)];
  for (let end = pages[0]; end.hasNext; end = pages[pages.length - 1]) {
    const from = pages.length + 1;
    const to = Math.min(Math.max(from, end.last ?? from), from + MAX_AHEAD - 1);
    const numbers = Array.from({ length: to - from + 1 }, (_, index) => from + index);
    pages.push(...await settleAll(numbers.map(page => limit(() => read(page)))));
  }
  return pages.flatMap(({ items }) => items);
}

/** Reads page by page, until `enough` or the end. */
export async function readPagesUntil<T>(read: ReadPage<T>, enough: (items: readonly T[]) => boolean): Promise<T[]> {
  const all: T[] = [];
  for (let page = 1; ; page++) {
    const { items, hasNext } = await read(page);
    all.push(...items);
    if (!hasNext || enough(items)) { return all; }
  }
}
