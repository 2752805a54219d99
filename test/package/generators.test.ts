import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const root = join(__dirname, '..', '..');
const PROGRAMS = ['webhook', 'dispatch', 'sync', 'registration'];
let work: string;

beforeEach(() => { work = mkdtempSync(join(tmpdir(), 'generators-')); });
afterEach(() => { rmSync(work, { recursive: true }); });

function write(file: string, content: unknown): void {
  mkdirSync(dirname(join(work, file)), { recursive: true });
  writeFileSync(join(work, file), typeof content === 'string' ? content : JSON.stringify(content));
}

/** Runs a script of projenrc/ in the temporary folder. */
function run(script: string, ...args: string[]): { code: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(
    join(root, 'node_modules', '.bin', 'tsx'),
    [join(root, 'projenrc', script), ...args],
    { cwd: work, encoding: 'utf8' },
  );
  return { code: status, output: stdout + stderr };
}

describe('THIRD-PARTY-NOTICES', () => {
  function bundle(name: string, license: string, bytesInOutput = 10): void {
    const directory = `node_modules/host/node_modules/${name}`;
    write(`${directory}/package.json`, { name, version: '1.2.3', license });
    write(`${directory}/LICENSE.md`, `Copyright of ${name}`);
    write(`.metafiles/${name.replace('/', '-')}.json`, {
      outputs: { 'index.js': { inputs: { [`${directory}/dist/index.js`]: { bytesInOutput } } } },
    });
  }

  test('holds the license of each bundled package', () => {
    bundle('@scope/one', 'MIT');
    bundle('two', 'ISC');
    expect(run('third-party-notice.ts')).toEqual({ code: 0, output: expect.stringContaining('2 packages') });
    const notices = readFileSync(join(work, 'THIRD-PARTY-NOTICES'), 'utf8');
    expect(notices).toMatch(/@scope\/one 1\.2\.3 \(MIT\)\n\nCopyright of @scope\/one\n[^]*two 1\.2\.3 \(ISC\)\n\nCopyright of two\n/);
  });

  test('leaves out what esbuild has shaken off', () => {
    bundle('one', 'MIT');
    bundle('unused', 'GPL-3.0-only', 0);
    expect(run('third-party-notice.ts').code).toBe(0);
    expect(readFileSync(join(work, 'THIRD-PARTY-NOTICES'), 'utf8')).not.toContain('unused');
  });

  test.each(['GPL-3.0-only', 'UNLICENSED', ''])('fails on a bundled package of license "%s"', license => {
    bundle('copyleft', license);
    expect(run('third-party-notice.ts')).toEqual({
      code: 1,
      output: expect.stringContaining(`copyleft@1.2.3 is bundled into a program and licensed "${license}"`),
    });
  });
});

describe('compared assemblies', () => {
  const resource = (memory: number): unknown => ({ Type: 'AWS::Lambda::Function', Properties: { MemorySize: memory } });

  function assembly(name: string, memory: number, metadata: string): void {
    const files = Object.fromEntries(PROGRAMS.map(program => [program, { source: { path: `asset.${program}` } }]));
    write(`${name}/Images.assets.json`, { files });
    write(`${name}/Images.template.json`, {
      Resources: { Function: resource(memory), CDKMetadata: { Type: 'AWS::CDK::Metadata', Properties: { metadata } } },
    });
    for (const program of PROGRAMS) { write(`${name}/asset.${program}/index.js`, `the program ${program}`); }
  }

  beforeEach(() => {
    for (const program of PROGRAMS) { write(`assets/lambda/${program}/index.js`, `the program ${program}`); }
    assembly('typescript', 128, 'of TypeScript');
    assembly('python', 128, 'of Python');
  });

  test('pass when they differ in CDK\'s metadata alone', () => {
    expect(run('compare-assemblies.ts', 'typescript', 'python'))
      .toEqual({ code: 0, output: 'python equals typescript: 1 resources, 4 assets.\n' });
  });

  test('fail when a property differs', () => {
    assembly('python', 256, 'of Python');
    expect(run('compare-assemblies.ts', 'typescript', 'python')).toEqual({
      code: 1,
      output: 'python differs from typescript in 1 places:\n  '
        + '/Resources/Function/Properties/MemorySize: 128 became 256\n',
    });
  });

  test('fail when an asset\'s file is missing', () => {
    rmSync(join(work, 'python', 'asset.sync'), { recursive: true });
    expect(run('compare-assemblies.ts', 'typescript', 'python'))
      .toEqual({ code: 1, output: expect.stringContaining('python lacks the asset files asset.sync') });
  });

  test('fail when a program is not the one that was built', () => {
    cpSync(join(work, 'python', 'asset.sync'), join(work, 'python', 'asset.webhook'), { recursive: true });
    expect(run('compare-assemblies.ts', 'typescript', 'python'))
      .toEqual({ code: 1, output: expect.stringContaining('python lacks the program webhook') });
  });
});
