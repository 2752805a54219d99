import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..', '..');
const page = readFileSync(join(root, 'docs', 'threat-model.md'), 'utf8');
const [, paths = ''] = page.split('## Paths');
const rows = (paths.split('\n## ')[0] ?? '').split('\n').filter(line => line.startsWith('| ')).slice(1)
  .map(line => line.split('|').map(cell => cell.trim()).slice(1, -1));

test('the threat model has paths', () => {
  expect(rows.length).toBeGreaterThan(25);
});

test.each(rows.map(row => [row[2] ?? '', row] as const))(
  '"%s" names asset, attacker, path, control, and a test that exists',
  (_, row) => {
    expect(row).toHaveLength(5);
    expect(row.filter(cell => cell === '')).toEqual([]);
    const [, , , , held = ''] = row;
    const tests = [...held.matchAll(/`(test\/[^`]+)`/g)].map(([, file]) => file ?? '');
    expect(tests.filter(file => !file.endsWith('.test.ts') || !existsSync(join(root, file)))).toEqual([]);
    // A control that isn't built yet names its item instead.
    if (tests.length === 0) { expect(held).toMatch(/^issue 13, item \d+$/); }
  },
);

test('every attacker in the table is introduced', () => {
  const known = [...page.matchAll(/^- \*\*(\w+)\*\*/gm)].map(([, name]) => name);
  const named = rows.flatMap(([, attacker = '']) => attacker.split(', ')).filter(name => name !== 'anybody');
  expect(named.filter(name => !known.includes(name))).toEqual([]);
});
