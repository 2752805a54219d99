import { readFileSync, writeFileSync } from 'node:fs';
import { decode, encode, SourceMapSegment } from '@jridgewell/sourcemap-codec';

interface SourceMap { version: number; sources: string[]; names: string[]; mappings: string }

/**
 * Leaves in a source map what leads to our own sources. Nobody debugs the bundled libraries by it, and their
 * part is nine tenths of the file.
 */
export function ownSources(map: SourceMap): SourceMap {
  const sources: string[] = [];
  const names: string[] = [];
  const renumber = (list: string[], value: string): number => {
    const known = list.indexOf(value);
    return known >= 0 ? known : list.push(value) - 1;
  };
  const mappings = decode(map.mappings).map(line => {
    const kept: SourceMapSegment[] = [];
    for (const segment of line) {
      const source = segment.length === 1 ? undefined : map.sources[segment[1]];
      if (segment.length === 1 || source === undefined || source.includes('node_modules/')) {
        // One segment ends ours; the libraries' further ones say nothing more.
        if ((kept.at(-1)?.length ?? 1) > 1) { kept.push([segment[0]]); }
      } else if (segment.length === 4) {
        kept.push([segment[0], renumber(sources, source), segment[2], segment[3]]);
      } else {
        kept.push([
          segment[0],
          renumber(sources, source),
          segment[2],
          segment[3],
          renumber(names, map.names[segment[4]]),
        ]);
      }
    }
    return kept;
  });
  return { version: map.version, sources, names, mappings: encode(mappings) };
}

if (require.main === module) {
  for (const file of process.argv.slice(2)) {
    writeFileSync(file, `${JSON.stringify(ownSources(JSON.parse(readFileSync(file, 'utf8')) as SourceMap))}\n`);
  }
}
