import { github } from 'projen';
import type { Job, Step } from './workflow';

const TOOLS = 'projenrc/publishing';

/** Steps in which projen installs every dependency, with scripts, and builds anew beside the right to publish. */
const BUILDING = /^(install_dependencies|extract_build_artifact|move_build_artifact_out_of_the_way|(create|collect)_\w+_artifact)$/;

/**
 * publib installs these with pip, in whatever version is newest. Installed before, and without an index, it takes them
 * as they are.
 */
const PYTHON: readonly Step[] = [
  {
    name: 'Install the pinned Python tools',
    run: `python3 -m pip install --user --require-hashes --only-binary :all: -r .repo/${TOOLS}/requirements.txt`,
  },
];

/**
 * A job that publishes what the job `release` has built and tested, and builds nothing itself: it installs only the
 * pinned tools, and runs none of their installation scripts.
 */
export function publishJob(job: Job): Job {
  const steps = job.steps.filter(({ id }) => !BUILDING.test(id ?? '')).map(publishStep);
  const publib = /publib-(\w+)/.exec(steps.at(-1)?.run ?? '')?.[1];
  if (publib === undefined) { return { ...job, steps }; }
  const usesPython = publib === 'pypi' || publib === 'nuget';
  const at = steps.findIndex(({ id }) => id === 'checkout') + 1;
  const install: Step = {
    name: 'Install the pinned tools',
    run: `npm ci --ignore-scripts --no-audit --no-fund --prefix .repo/${TOOLS}`,
  };
  return {
    ...job,
    steps: [
      ...(publib === 'nuget'
        ? [{ uses: github.ActionRefs.ACTIONS_SETUP_PYTHON, with: { 'python-version': '3.12' } }]
        : []),
      ...steps.slice(0, at), install, ...(usesPython ? PYTHON : []), ...steps.slice(at, -1),
      ...steps.slice(-1).map(step => ({ ...step, env: publishEnvironment(step.env, usesPython) })),
    ],
  };
}

function publishStep(step: Step): Step {
  if (step.uses?.startsWith('actions/checkout@')) {
    return { ...step, with: { ...step.with, 'sparse-checkout': TOOLS } };
  }
  if (step.uses?.startsWith('actions/setup-python@')) { return { ...step, with: { 'python-version': '3.12' } }; }
  const run = step.run
    ?.replace(/^npx '-p' 'publib@[\w.]+' '(publib-\w+)'$/, `.repo/${TOOLS}/node_modules/.bin/$1`)
    .replace('--target "$GITHUB_SHA"', '--target "$GITHUB_SHA" dist/sbom/*.cdx.json');
  return run === undefined ? step : { ...step, run };
}

/**
 * Without NPM_REGISTRY: publib uses the same address by itself, and this repository names no package registry's host.
 */
function publishEnvironment(env: Step['env'] = {}, usesPython: boolean): Step['env'] {
  const { NPM_REGISTRY: _, ...rest } = env;
  return { ...rest, NPM_CONFIG_IGNORE_SCRIPTS: 'true', ...(usesPython ? { PIP_NO_INDEX: '1' } : {}) };
}
