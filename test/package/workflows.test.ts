import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

interface Step {
  readonly run?: string;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly environment?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}

const directory = join(__dirname, '..', '..', '.github', 'workflows');
const workflows = readdirSync(directory).map(file => ({ file, text: readFileSync(join(directory, file), 'utf8') }));
const jobs = workflows.flatMap(({ file, text }) =>
  Object.entries((parse(text) as { jobs: Record<string, Job> }).jobs).map(([name, job]) => ({ file, name, job })));

test.each(workflows)('$file pins every action by its commit, and says which version that is', ({ text }) => {
  const used = text.match(/uses: .*/g) ?? [];
  expect(used.length).toBeGreaterThan(0);
  expect(used.filter(line => !/^uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([]);
});

test('an action has one commit in all workflows', () => {
  const commits = new Map<string, Set<string>>();
  for (const [, action = '', rest = ''] of workflows.flatMap(({ text }) => [...text.matchAll(/uses: (\S+)@(.*)/g)])) {
    commits.set(action, (commits.get(action) ?? new Set()).add(rest));
  }
  expect([...commits].filter(([, versions]) => versions.size !== 1)).toEqual([]);
});

test.each(jobs)('$file: $name leaves no credentials of git behind', ({ job }) => {
  const checkouts = job.steps.filter(({ uses }) => uses?.startsWith('actions/checkout@'));
  expect(checkouts.filter(step => step.with?.['persist-credentials'] !== false)).toEqual([]);
});

test('writes to the repository in the jobs of the environment "release" alone', () => {
  const writing = jobs.filter(({ job }) => job.permissions?.contents !== 'read'
    && job.permissions?.['pull-requests'] !== 'write');
  expect(writing.map(({ file, name, job }) => `${file}: ${name}, ${job.environment}`))
    .toEqual(['release.yml: release_github, release']);
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

  const publishing = jobs.filter(({ job }) => job.environment === 'release');

  test.each(['npm', 'maven', 'pypi', 'nuget', 'golang'])('publishes to %s with the pinned tool', target => {
    const job = publishing.find(({ name }) => name === `release_${target}`)?.job;
    expect(job?.steps.at(-1)?.run).toBe(`.repo/projenrc/publishing/node_modules/.bin/publib-${target}`);
  });

  test.each(publishing)('$name installs nothing with scripts, and nothing whose content is not known', ({ job }) => {
    const installing = job.steps.map(({ run = '' }) => run).filter(run => /\b(npm|npx|yarn|pnpm|pip|go|dotnet|mvn)\b (?!--version)/.test(run));
    expect(installing.filter(run => !/^npm ci --ignore-scripts --no-audit --no-fund --prefix \.repo\/projenrc\/publishing$/.test(run)
      && !/^python3 -m pip install --user --require-hashes --only-binary :all: -r \.repo\/projenrc\/publishing\/requirements\.txt$/.test(run))).toEqual([]);
  });

  test.each(publishing)('$name builds nothing, and publishes what the job "release" has built', ({ job }) => {
    const runs = job.steps.map(({ run = '' }) => run).join('\n');
    expect(runs).not.toMatch(/projen (package|build|compile|bundle)|jsii|esbuild/);
    expect(job.steps.filter(step => step.uses?.startsWith('actions/download-artifact@')).map(step => step.with))
      .toEqual([
        { 'artifact-ids': '${{ needs.release.outputs.artifact_id }}', 'path': 'dist' },
      ]);
  });

  test('is built and tried by a job that has no right to publish', () => {
    const job = jobs.find(({ file, name }) => file === 'release.yml' && name === 'release')?.job;
    const runs = job?.steps.map(({ run = '' }) => run) ?? [];
    expect(job?.permissions).toEqual({ contents: 'read' });
    expect(runs.indexOf('.ci/consumer dist/js/*.tgz')).toBeGreaterThan(runs.indexOf('npx projen release'));
    expect(JSON.stringify(job)).not.toContain('secrets.');
  });

  test('packs every language, and lists what is in the programs, before anything is published', () => {
    const { tasks } = JSON.parse(readFileSync(join(directory, '..', '..', '.projen', 'tasks.json'), 'utf8')) as
      { tasks: Record<string, { steps: { spawn: string; condition: string }[] }> };
    const inRelease = tasks.package?.steps.filter(({ condition }) =>
      spawnSync('sh', ['-c', condition], { env: { ...process.env, CI: 'true', RELEASE: 'true' } }).status === 0);
    expect(inRelease?.map(({ spawn }) => spawn)).toEqual(['package-all', 'sbom']);
    expect(release).toContain('--target "$GITHUB_SHA" dist/sbom/*.cdx.json');
  });

  test('holds no token of a registry that knows trusted publishing', () => {
    for (const registry of ['NPM', 'PYPI', 'NUGET']) {
      expect(release).toContain(`${registry}_TRUSTED_PUBLISHER: "true"`);
    }
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
  const rule = readFileSync(
    join(__dirname, '..', '..', 'CONTRIBUTING.md'),
    'utf8',
  ).split('The types are ')[1].split('. A check')[0];
  expect([...rule.matchAll(/`([a-z]+)`/g)].map(([, type]) => type)).toEqual(accepted);
});

describe('the tools of the release', () => {
  const tools = join(directory, '..', '..', 'projenrc', 'publishing');

  test('are named by exact versions', () => {
    const { dependencies } = JSON.parse(readFileSync(join(tools, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    expect(Object.keys(dependencies)).toEqual(['@cyclonedx/cyclonedx-esbuild', 'publib']);
    expect(Object.values(dependencies).filter(version => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  test('have a known content, with all that they need', () => {
    const { packages } = JSON.parse(readFileSync(join(tools, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { integrity?: string }>;
    };
    expect(Object.entries(packages).filter(([path, { integrity }]) => path !== '' && !integrity?.startsWith('sha512-')))
      .toEqual([]);
    const python = readFileSync(join(tools, 'requirements.txt'), 'utf8')
      .replaceAll('\\\n', '')
      .split('\n')
      .filter(line => line !== '' && !line.startsWith('#'));
    expect(python.length).toBeGreaterThan(10);
    expect(python.filter(line => !/^\S+==\S+ ( +--hash=sha256:[0-9a-f]{64} ?)+$/.test(line))).toEqual([]);
  });
});
