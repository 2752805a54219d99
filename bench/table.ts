import type { Row, Verdict } from './result';

/** Columns as wide as they need; numbers to the right. */
export function table(head: readonly string[], body: readonly (readonly string[])[]): string[] {
  const all = [head, ...body];
  const widths = head.map((_, column) => Math.max(...all.map(row => row[column]?.length ?? 0)));
  const aligned = (row: readonly string[]): string[] =>
    row.map((cell, column) => isNumber(body, column) ? cell.padStart(widths[column]) : cell.padEnd(widths[column]));
  return all.map(row => aligned(row).join('  ').trimEnd());
}

const HEAD = [
  'scenario', 'ms', 'contestant', 'setting', 'n', 'seconds', 'fastest', 'slowest', 'requests', 'github', 'ghcr', 'ecr',
  'aws', 'connections', 'read MB', 'written MB', 'peak MB', 'note',
];

export function measurements(rows: readonly Row[]): string[] {
  return table(HEAD, rows.map(row => [
    row.scenario,
    whole(row.roundTripMs),
    row.contestant,
    row.setting ?? '',
    String(row.runs),
    secondsText(row.seconds),
    secondsText(row.fastest),
    secondsText(row.slowest),
    whole(row.requests),
    whole(row.requestsBy?.github),
    whole(row.requestsBy?.ghcr),
    whole(row.requestsBy?.ecr),
    whole(row.requestsBy?.aws),
    whole(row.connections),
    megabytes(row.readBytes),
    megabytes(row.writtenBytes),
    megabytes(row.peakBytes),
    [row.note, row.swept].filter(Boolean).join('; '),
  ]));
}

export function verdicts(list: readonly Verdict[]): string[] {
  return table(
    ['scenario', 'promise', 'measured', 'threshold', 'verdict'],
    list.map(({ scenario, what, measured, threshold, met }) => [
      scenario,
      what,
      measured,
      threshold,
      met ? 'PASS' : 'MISS',
    ]),
  );
}

function isNumber(body: readonly (readonly string[])[], column: number): boolean {
  return body.length > 0 && body.every(row => /^[\d.]*$/.test(row[column] ?? ''));
}

function secondsText(seconds: number | undefined): string {
  return seconds?.toFixed(seconds < 1 ? 3 : seconds < 10 ? 2 : 1) ?? '';
}

function whole(number: number | undefined): string {
  return number === undefined ? '' : String(number);
}

function megabytes(bytes: number | undefined): string {
  return bytes === undefined ? '' : (bytes / 1e6).toFixed(bytes < 1e6 ? 2 : 0);
}
