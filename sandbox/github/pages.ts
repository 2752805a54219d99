export interface Page<T> {
  readonly items: readonly T[];
  /** The `Link` header; undefined when everything fits one page. */
  readonly link?: string;
}

/** Pages by number: `per_page` up to 100 (default 30), and a `Link` header with prev, next, last and first. */
export function page<T>(all: readonly T[], url: URL, cap = 100): Page<T> {
  const size = pageSize(url, cap);
  const number = positive(url.searchParams.get('page')) ?? 1;
  const last = Math.max(1, Math.ceil(all.length / size));
  const relations = [
    number > 1 && ['prev', Math.min(number - 1, last)],
    number < last && ['next', number + 1],
    number < last && ['last', last],
    number > 1 && ['first', 1],
  ].filter(relation => relation !== false);
  return {
    items: all.slice((number - 1) * size, number * size),
    link: relations.map(([name, target]) => reference(url, { page: String(target) }, String(name))).join(', ')
      || undefined,
  };
}

/** Pages by cursor, as delivery logs have them: only `next`, and an opaque value. */
export function cursorPage<T extends { readonly id: number }>(newestFirst: readonly T[], url: URL, cap = 100): Page<T> {
  const size = pageSize(url, cap);
  const cursor = /^v1_(\d+)$/.exec(url.searchParams.get('cursor') ?? '')?.[1];
  const rest = cursor === undefined ? newestFirst : newestFirst.filter(item => item.id <= Number(cursor));
  const next = rest.at(size);
  return { items: rest.slice(0, size), link: next && reference(url, { cursor: `v1_${next.id}` }, 'next') };
}

function pageSize(url: URL, cap: number): number {
  return Math.min(positive(url.searchParams.get('per_page')) ?? 30, 100, cap);
}

function positive(text: string | null): number | undefined {
  return text !== null && /^[1-9]\d*$/.test(text) ? Number(text) : undefined;
}

function reference(url: URL, parameters: Record<string, string>, relation: string): string {
  const target = new URL(url);
  Object.entries(parameters).forEach(([name, value]) => target.searchParams.set(name, value));
  return `<${target.href}>; rel="${relation}"`;
}
