import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { staleBundle } from './stale-bundle';

const root = join(__dirname, '..', '..');

/** These tests run no bundle, so that a run of them alone does not wait for bundling. */
const WITHOUT_BUNDLES = /^(\.\/)?test\/(unit|package)\b/;

/** The part of jest's configuration that is read here: the paths that the command names. */
interface GlobalConfig {
  readonly testPathPatterns: { readonly patterns: readonly string[] };
}

/**
 * Runs once before jest's tests: bundles the programs when a bundle is missing or older than its sources, so that no
 * test meets a missing asset or an old program.
 */
export default function bundleWhenNeeded({ testPathPatterns: { patterns } }: GlobalConfig): void {
  if (patterns.length > 0 && patterns.every(pattern => WITHOUT_BUNDLES.test(pattern))) { return; }
  const reason = staleBundle(root);
  if (reason === undefined) { return; }
  process.stderr.write(`Bundling the programs (npx projen bundle), because ${reason}.\n`);
  const projen = join(root, 'node_modules', '.bin', 'projen');
  const { status, stdout, stderr, error } = spawnSync(projen, ['bundle'], { cwd: root, encoding: 'utf8' });
  if (status !== 0) {
    const cause = error?.message ?? `${stdout}${stderr}`;
    throw new Error(`The programs could not be bundled: ${cause}\nRun \`npx projen bundle\` to see it again.`);
  }
}
