import { atLeast, atMost, Row, Verdict } from './result';
import type { Tool } from './rivals/contestant';

const RIVALS: readonly Tool[] = ['regsync', 'crane', 'skopeo'];

/** `fresh, 30 ms` */
export function placeOf({ scenario, roundTripMs }: Row): string {
  return roundTripMs === undefined ? scenario : `${scenario}, ${roundTripMs} ms`;
}

/** The engine DIRECT is ahead of every rival that copied everything. */
export function ahead(rows: readonly Row[]): Verdict[] {
  const own = rows.find(({ tool }) => tool === 'DIRECT');
  if (own === undefined) { return []; }
  return rows.filter(({ tool, incomparable }) => tool !== undefined && RIVALS.includes(tool) && incomparable !== true)
    .map(rival => atLeast(placeOf(own), `time of ${rival.tool} (its best) : DIRECT`, rival.seconds, own.seconds, 1));
}

/** The engine SKOPEO takes at most so many times what DIRECT takes. Nothing without a limit for this distance. */
export function skopeoAgainstDirect(rows: readonly Row[], limits: Readonly<Record<number, number>>): Verdict[] {
  const [direct, skopeo] = (['DIRECT', 'SKOPEO'] as const).map(name => rows.find(({ tool }) => tool === name));
  const limit = limits[direct?.roundTripMs ?? NaN];
  if (direct === undefined || skopeo === undefined || limit === undefined) { return []; }
  return [atMost(placeOf(direct), 'time of SKOPEO : DIRECT', skopeo.seconds / direct.seconds, limit, 'x')];
}

/** An engine needs at most so many times what the rate of PutImage alone takes. */
export function againstBound(
  rows: readonly Row[],
  tool: Tool,
  bound: { readonly seconds: number; readonly puts: number },
  limit: number,
): Verdict[] {
  return rows.filter(row => row.tool === tool).map(row => (
    atMost(
      placeOf(row),
      `time of ${tool} : bound of ${bound.seconds.toFixed(1)} s for ${bound.puts} PutImage`,
      row.seconds / bound.seconds,
      limit,
      'x',
    )
  ));
}

const MEMORY_MB = 512;

/** Our own programs stay below the memory that a small build leaves them. */
export function memory(rows: readonly Row[]): Verdict[] {
  return rows.filter(({ tool }) => tool === 'DIRECT' || tool === 'SKOPEO').map(row => (
    atMost(placeOf(row), `peak memory of ${row.tool} (PSS)`, (row.peakBytes ?? 0) / 1e6, MEMORY_MB, ' MB')
  ));
}
