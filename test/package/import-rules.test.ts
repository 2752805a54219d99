import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { TREES } from '../../projenrc/import-rules';

const root = join(__dirname, '..', '..');
let work: string;

beforeEach(() => { work = mkdtempSync(join(tmpdir(), 'import-rules-')); });
afterEach(() => { rmSync(work, { recursive: true }); });

interface Violation {
  readonly from: string;
  readonly to: string;
  readonly rule: { readonly name: string };
}

/** Writes files that import each other, and gives the violations as `rule: from -> to`, as CI's linter reports them. */
function lint(imports: readonly (readonly [from: string, to: string])[], kind = 'import type { A } from'): string[] {
  for (const [from, to] of imports) {
    write(to, '');
    const path = relative(dirname(from), to).replace(/\.ts$/, '');
    write(from, `${kind} '${path.startsWith('.') ? path : `./${path}`}';\n`);
  }
  copyFileSync(join(root, '.dependency-cruiser.json'), join(work, '.dependency-cruiser.json'));
  const depcruise = join(root, 'node_modules', '.bin', 'depcruise');
  const args = ['--config', '.dependency-cruiser.json', '--output-type', 'json', '.'];
  const { stdout, stderr } = spawnSync(depcruise, args, { cwd: work, encoding: 'utf8' });
  if (stdout === '') { throw new Error(`depcruise gave no report: ${stderr}`); }
  const { summary } = JSON.parse(stdout) as { summary: { violations: Violation[] } };
  return summary.violations.map(({ from, to, rule }) => `${rule.name}: ${from} -> ${to}`);
}

function write(file: string, line: string): void {
  mkdirSync(dirname(join(work, file)), { recursive: true });
  writeFileSync(join(work, file), line, { flag: 'a' });
}

/** A file for each direction that is forbidden, so that one run of the linter tells them all. */
const FORBIDDEN: [rule: string, from: string, to: string][] = [
  ...TREES.filter(tree => tree !== 'src')
    .map((tree): [string, string, string] => ['src-stands-alone', `src/from-${tree}.ts`, `${tree}/x.ts`]),
  ['contract-stands-alone', 'src/contract/a.ts', 'src/private/x.ts'],
  ['contract-stands-alone', 'src/image-name.ts', 'src/private/x.ts'],
  ['programs-share-by-contract', 'lambda/webhook/a.ts', 'lambda/sync/x.ts'],
  ['programs-share-by-contract', 'lambda/webhook/b.ts', 'src/index.ts'],
  ['programs-share-by-contract', 'lambda/presence/a.ts', 'src/private/x.ts'],
  ['programs-share-by-contract', 'lambda/shared/a.ts', 'lambda/dispatch/x.ts'],
  ['programs-share-by-contract', 'lambda/dispatch/a.ts', 'sandbox/aws/x.ts'],
  ['programs-share-by-contract', 'lambda/dispatch/b.ts', 'cli/x.ts'],
  ['cli-imports-the-library', 'cli/a.ts', 'lambda/sync/x.ts'],
  ['sandbox-knows-the-contract', 'sandbox/world/a.ts', 'src/index.ts'],
  ['sandbox-knows-the-contract', 'sandbox/aws/a.ts', 'lambda/shared/x.ts'],
  ['sandbox-knows-the-contract', 'sandbox/demo/a.ts', 'test/x.ts'],
  ['sandbox-knows-the-contract', 'sandbox/demo/b.ts', 'bench/x.ts'],
  ['synth-imports-the-entry', 'sandbox/world/synth.ts', 'src/ghcr-mirror.ts'],
  ['bench-imports-no-test', 'bench/a.ts', 'test/x.ts'],
  ['tooling-stands-alone', 'projenrc/a.ts', 'src/index.ts'],
  ['examples-stand-alone', 'examples/typescript/a.ts', 'src/index.ts'],
  ['sync-parts-know-no-sync', 'lambda/sync/registry/a.ts', 'lambda/sync/copy/x.ts'],
  ['sync-parts-know-no-sync', 'lambda/sync/skopeo/a.ts', 'lambda/sync/context.ts'],
  ['sync-parts-know-no-sync', 'lambda/sync/resilience/a.ts', 'lambda/sync/report.ts'],
  ['sandbox-base-knows-no-room', 'sandbox/faults.ts', 'sandbox/aws/x.ts'],
  ['sandbox-registry-stands-alone', 'sandbox/registry/a.ts', 'sandbox/aws/x.ts'],
  ['sandbox-registry-stands-alone', 'sandbox/registry/b.ts', 'sandbox/github/x.ts'],
  ['sandbox-github-knows-no-aws', 'sandbox/github/a.ts', 'sandbox/aws/x.ts'],
  ['sandbox-github-knows-no-aws', 'sandbox/github/b.ts', 'sandbox/registry/store.ts'],
  ['sandbox-aws-knows-no-github', 'sandbox/aws/services/ecr/a.ts', 'sandbox/github/x.ts'],
  ['sandbox-aws-knows-no-github', 'sandbox/aws/b.ts', 'sandbox/registry/store.ts'],
  ['sandbox-aws-knows-no-github', 'sandbox/aws/c.ts', 'sandbox/world/x.ts'],
  ['sandbox-world-knows-no-demo', 'sandbox/world/b.ts', 'sandbox/demo/x.ts'],
];

const ALLOWED: [from: string, to: string][] = [
  ['src/ghcr-mirror.ts', 'src/private/x.ts'],
  ['src/private/y.ts', 'src/contract/x.ts'],
  ['src/contract/y.ts', 'src/image-name.ts'],
  ['cli/a.ts', 'src/index.ts'],
  ['lambda/webhook/a.ts', 'lambda/shared/x.ts'],
  ['lambda/shared/y.ts', 'src/contract/x.ts'],
  ['lambda/sync/registry/a.ts', 'lambda/sync/resilience/x.ts'],
  ['lambda/sync/copy/a.ts', 'lambda/sync/context.ts'],
  ['lambda/sync/sync.ts', 'lambda/sync/copy/x.ts'],
  ['sandbox/world/synth.ts', 'src/index.ts'],
  ['sandbox/world/a.ts', 'sandbox/aws/x.ts'],
  ['sandbox/aws/y.ts', 'sandbox/registry/front.ts'],
  ['sandbox/aws/z.ts', 'sandbox/faults.ts'],
  ['sandbox/demo/a.ts', 'sandbox/world/x.ts'],
  ['bench/a.ts', 'lambda/shared/x.ts'],
  ...['src', 'lambda', 'cli', 'sandbox', 'bench', 'projenrc']
    .map((tree): [string, string] => [`test/of-${tree}.ts`, `${tree}/x.ts`]),
];

describe.each(['import type { A } from', 'import', 'export * from'])('%s', kind => {
  test('fails against each direction', () => {
    const found = lint(FORBIDDEN.map(([, from, to]) => [from, to]), kind);
    const expected = FORBIDDEN.map(([rule, from, to]) => `${rule}: ${from} -> ${to}`).sort();
    expect(found.filter(line => !line.startsWith('no-circle')).sort()).toEqual(expected);
  });

  test('fails on a circle, also of three files', () => {
    const found = lint([['src/a.ts', 'src/b.ts'], ['src/b.ts', 'src/c.ts'], ['src/c.ts', 'src/a.ts']], kind);
    expect(found).toEqual([expect.stringMatching(/^no-circle: src\/[abc]\.ts -> src\/[abc]\.ts$/)]);
  });
});

test('lets the other directions pass', () => {
  expect(lint(ALLOWED)).toEqual([]);
});

test('fails on an import that is not found, for it would escape the other rules', () => {
  write('src/a.ts', "import '../lambda/nowhere';\n");
  expect(lint([])).toEqual(['resolved: src/a.ts -> ../lambda/nowhere']);
});
