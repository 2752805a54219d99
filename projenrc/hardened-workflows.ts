import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Component } from 'projen';
import { parse, stringify } from 'yaml';
import { pinActions } from './pinned-actions';
import { publishJob } from './publish-job';
import type { Job, Step } from './workflow';

interface Workflow {
  readonly [key: string]: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

/** Rewrites projen's workflows after it has written them: its options can't say what is done here. */
export class HardenedWorkflows extends Component {
  public override postSynthesize(): void {
    const directory = join(this.project.outdir, '.github', 'workflows');
    for (const file of readdirSync(directory)) { rewrite(join(directory, file)); }
  }
}

function rewrite(path: string): void {
  const text = readFileSync(path, 'utf8');
  const [marker] = text.split('\n', 1);
  const hardened = stringify(harden(parse(text) as Workflow), { lineWidth: 0, aliasDuplicateObjects: false });
  // projen makes its files read-only.
  chmodSync(path, 0o644);
  writeFileSync(path, `${marker}\n\n${pinActions(hardened)}`);
  chmodSync(path, 0o444);
}

function harden(workflow: Workflow): Workflow {
  const jobs = Object.entries(workflow.jobs).map(([name, job]) => [name, hardenJob(job)] as const);
  return { ...workflow, jobs: Object.fromEntries(jobs) };
}

/** The jobs of the environment `release` are those that may publish. */
function hardenJob(job: Job): Job {
  const { steps, ...rest } = job.environment === undefined ? job : publishJob(job);
  return { ...rest, steps: steps.map(withoutCredentials) };
}

/** No later step needs git's credentials: the repository is public, and what pushes brings its own. */
function withoutCredentials(step: Step): Step {
  return step.uses?.startsWith('actions/checkout@')
    ? { ...step, with: { ...step.with, 'persist-credentials': false } }
    : step;
}
