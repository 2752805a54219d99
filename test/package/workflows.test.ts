import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { github } from 'projen';

const directory = join(__dirname, '..', '..', '.github', 'workflows');
const workflows = readdirSync(directory).map(file => ({ file, text: readFileSync(join(directory, file), 'utf8') }));

/**
 * The actions that projen has reviewed: commits, and tags of immutable releases, which GitHub lets nobody move.
 * https://docs.github.com/en/code-security/supply-chain-security/understanding-your-software-supply-chain/immutable-releases
 */
const PINNED = new Set(Object.values(github.ActionRefs).filter((ref: unknown): ref is string => typeof ref === 'string'));

test.each(workflows)('$file uses pinned actions alone', ({ text }) => {
  const used = [...text.matchAll(/uses: (\S+)/g)].map(([, action]) => action);
  expect(used.length).toBeGreaterThan(0);
  expect(used.filter(action => !PINNED.has(action))).toEqual([]);
});

test.each(workflows)('$file names the host of no npm registry', ({ text }) => {
  // In parts, for this file is searched as well.
  expect(text).not.toContain(['registry', 'npmjs', 'org'].join('.'));
});

test.each(workflows)('$file runs no tool of a floating version', ({ text }) => {
  expect(text).not.toMatch(/@(latest|next|main|master)\b/);
});

describe('the release', () => {
  const release = workflows.find(({ file }) => file === 'release.yml')?.text ?? '';

  test.each(['npm', 'maven', 'pypi', 'nuget', 'golang'])('publishes to %s', target => {
    expect(release).toContain(`'publib-${target}'`);
  });

  test('holds no token of a registry that knows trusted publishing', () => {
    for (const registry of ['NPM', 'PYPI', 'NUGET']) { expect(release).toContain(`${registry}_TRUSTED_PUBLISHER: "true"`); }
    expect(release).not.toMatch(/secrets\.(NPM_TOKEN|TWINE_PASSWORD|NUGET_API_KEY)/);
  });

  test('proves where the npm package comes from', () => {
    expect(release).toContain('NPM_CONFIG_PROVENANCE: "true"');
  });
});

test('dependencies are raised after a time of cooling down', () => {
  const tasks = readFileSync(join(directory, '..', '..', '.projen', 'tasks.json'), 'utf8');
  expect(tasks).toMatch(/--cooldown=7/);
});

test('CONTRIBUTING names the types of commits that the check of pull requests accepts', () => {
  const check = workflows.find(({ file }) => file === 'pull-request-lint.yml')?.text ?? '';
  const accepted = /types: \|-\n((?: +[a-z]+\n)+)/.exec(check)?.[1].trim().split(/\s+/) ?? [];
  expect(accepted).toContain('feat');
  const rule = readFileSync(join(__dirname, '..', '..', 'CONTRIBUTING.md'), 'utf8').split('The types are ')[1].split('. A check')[0];
  expect([...rule.matchAll(/`([a-z]+)`/g)].map(([, type]) => type)).toEqual(accepted);
});
