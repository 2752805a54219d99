import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { staleBundle } from '../setup/stale-bundle';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'stale-bundle-'));
  write('lambda/sync/main.ts', 1);
  write('lambda/shared/plan.ts', 1);
  write('lambda/tsconfig.json', 1);
  write('package-lock.json', 1);
  write('.projen/tasks.json', 1);
  write('node_modules/library/index.js', 9);
  write('assets/lambda/sync/index.js', 2);
  write('.metafiles/sync.json', 2, JSON.stringify({
    inputs: { 'lambda/sync/main.ts': {}, 'lambda/shared/plan.ts': {}, 'node_modules/library/index.js': {} },
    outputs: { 'assets/lambda/sync/index.js': {} },
  }));
});
afterEach(() => { rmSync(root, { recursive: true }); });

/** @param time of the last change: seconds since the epoch */
function write(file: string, time: number, content = ''): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), content);
  utimesSync(join(root, file), time, time);
}

test('a bundle that is newer than its sources is not made again', () => {
  expect(staleBundle(root)).toBeUndefined();
});

test.each([
  'lambda/sync/main.ts', 'lambda/shared/plan.ts', 'package-lock.json', '.projen/tasks.json',
])('a change of %s asks for bundling', file => {
  write(file, 3);
  expect(staleBundle(root)).toBe(`${file} is newer than assets/lambda/sync/index.js, or gone`);
});

test('a source that is gone asks for bundling', () => {
  rmSync(join(root, 'lambda/shared/plan.ts'));
  expect(staleBundle(root)).toBe('lambda/shared/plan.ts is newer than assets/lambda/sync/index.js, or gone');
});

test.each(['assets/lambda/sync/index.js', '.metafiles/sync.json'])('bundling makes %s when it is missing', file => {
  rmSync(join(root, file));
  expect(staleBundle(root)).toBe(`${file} is missing`);
});

test('a new program asks for bundling', () => {
  write('lambda/new/main.ts', 1);
  expect(staleBundle(root)).toBe('.metafiles/new.json is missing');
});
