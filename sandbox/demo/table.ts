import type { MirroredImage } from './scenario';

/** The closing table: package, tag, source digest, target digest, equal. */
export function imageTable(images: readonly MirroredImage[]): string[] {
  const rows = images.map(({ package: name, tag, source, target, equal }) => [
    name,
    tag,
    short(source),
    short(target),
    equal ? 'yes' : 'NO',
  ]);
  const table = [['package', 'tag', 'source digest', 'target digest', 'equal'], ...rows];
  const widths = table[0].map((_, column) => Math.max(...table.map(row => row[column].length)));
  return table.map(row => row.map((cell, column) => cell.padEnd(widths[column])).join('  ').trimEnd());
}

function short(digest: string | undefined): string {
  return digest === undefined ? 'missing' : digest.slice(0, 'sha256:'.length + 16);
}
