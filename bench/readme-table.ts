import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performanceSection, Recorded, replaceSection } from './readme-section';

/**
 * Puts the figures of a run into README: `npx tsx bench/readme-table.ts FILE`, where
 * `npm run bench -- --json FILE` wrote the file.
 */
function main([file]: readonly string[]): void {
  if (file === undefined) {
    throw new Error('Usage: npx tsx bench/readme-table.ts FILE, as `npm run bench -- --json FILE` writes it.');
  }
  const recorded = JSON.parse(readFileSync(file, 'utf8')) as Recorded;
  if (recorded.arguments.quick) {
    throw new Error(`${file} is of a run with --quick, which says nothing about time. Run it without.`);
  }
  const readme = join(__dirname, '..', 'README.md');
  writeFileSync(readme, replaceSection(readFileSync(readme, 'utf8'), performanceSection(recorded)));
}

main(process.argv.slice(2));
