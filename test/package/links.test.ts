import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const root = join(__dirname, '..', '..');
const NOT_OURS = new Set([
  'node_modules', '.git', 'cdk.out', 'dist', 'assets', 'lib', 'coverage', '.demo', 'test-reports',
]);

function markdownBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap(entry => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) { return NOT_OURS.has(entry.name) ? [] : markdownBelow(path); }
    return entry.name.endsWith('.md') ? [relative(root, path)] : [];
  });
}

/** Without what only looks like Markdown: code. */
function prose(file: string): string {
  return readFileSync(join(root, file), 'utf8').replaceAll(/^( *)```[^]*?^\1```$/gm, '').replaceAll(/`[^`\n]*`/g, code => code.replaceAll(/[[\]()<>#]/g, ' '));
}

/** As GitHub makes them of headings; `<a name>` and `id` are anchors, too. */
function anchors(file: string): Set<string> {
  const text = prose(file);
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading
    .replaceAll(/<[^>]*>/g, '').trim().toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(/\s/g, '-'));
  return new Set([...headings, ...[...text.matchAll(/\b(?:name|id)="([^"]+)"/g)].map(([, name]) => name)]);
}

function links(file: string): string[] {
  const text = prose(file);
  return [...text.matchAll(/\]\(([^)\s]+)\)/g), ...text.matchAll(/href="([^"]+)"/g)].map(([, target]) => target)
    .filter(target => !/^[a-z]+:/.test(target));
}

function isBroken(from: string, link: string): boolean {
  const [path, anchor] = link.split('#');
  const target = path === '' ? from : relative(root, join(root, dirname(from), decodeURIComponent(path)));
  if (target.startsWith('..') || !existsSync(join(root, target))) { return true; }
  return anchor !== undefined && !anchors(target).has(decodeURIComponent(anchor));
}

const files = markdownBelow(root);

test('there are guides to check', () => {
  expect(files).toEqual(
    expect.arrayContaining(['API.md', 'CONTRIBUTING.md', 'README.md', join('docs', 'migrating-from-terraform.md')]),
  );
});

test.each(files)('%s links to files and headings that exist', file => {
  expect(links(file).filter(link => isBroken(file, link))).toEqual([]);
});
