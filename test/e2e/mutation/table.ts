import type { Outcome } from './run';

/** One line for each mutation: role, statement, what was refused, where it shows. */
export function mutationTable(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ mutation, refusal, seenIn, seconds }) => [
    mutation.holder, mutation.statement, short(refusal), seenIn.join(', ') || '-', `${seconds.toFixed(1)} s`,
  ]);
  return table([['role or resource', 'removed', 'refused', 'seen in', 'took'], ...rows]);
}

function short(refusal: string | undefined): string {
  if (refusal === undefined) { return 'nothing'; }
  return /(?:perform: |permissions to call )(\S+)/.exec(refusal)?.[1] ?? refusal.slice(0, 60);
}

export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0))) ?? [];
  return rows.map(row => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()).join('\n');
}
