import type { Row, Verdict } from './result';

/** Columns as wide as they need; numbers to the right. */
export function table(head: readonly string[], body: readonly (readonly string[])[]): string[] {
  const all = [head, ...body];
  const widths = head.map((_, column) => Math.max(...all.map(row => row[column]?.length ?? 0)));
  return all.map(row => row.map((cell, column) => isNumber(body, column) ? cell.padStart(widths[column]) : cell.padEnd(widths[column])).join('  ').trimEnd());
}

export function measurements(rows: readonly Row[]): string[] {
  return table(
    ['scenario', 'contestant', 'runs', 'seconds', 'requests', 'github', 'ghcr', 'ecr', 'aws', 'connections', 'read MB', 'written MB', 'peak MB', 'note'],
    rows.map(row => [
      row.scenario, row.contestant, String(row.runs), row.seconds.toFixed(row.seconds < 1 ? 3 : 1), whole(row.requests),
      whole(row.requestsBy?.github), whole(row.requestsBy?.ghcr), whole(row.requestsBy?.ecr), whole(row.requestsBy?.aws), whole(row.connections),
      megabytes(row.readBytes), megabytes(row.writtenBytes), megabytes(row.peakBytes), row.note ?? '',
    ]),
  );
}

export function verdicts(list: readonly Verdict[]): string[] {
  return table(
    ['scenario', 'promise', 'measured', 'threshold', 'verdict'],
    list.map(({ scenario, what, measured, threshold, met }) => [scenario, what, measured, threshold, met ? 'PASS' : 'MISS']),
  );
}

function isNumber(body: readonly (readonly string[])[], column: number): boolean {
  return body.length > 0 && body.every(row => /^[\d.]*$/.test(row[column] ?? ''));
}

function whole(number: number | undefined): string {
  return number === undefined ? '' : String(number);
}

function megabytes(bytes: number | undefined): string {
  return bytes === undefined ? '' : (bytes / 1e6).toFixed(bytes < 1e6 ? 2 : 0);
}
