import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { NEVER_USED } from './mutation/never-used';
import { Outcome, runMutation } from './mutation/run';
import { actionRemovals, Mutation, statementRemovals } from './mutation/statements';
import { mutationTable } from './mutation/table';
import { synthesize } from '../../sandbox/world/synth';
import { readTemplate } from '../../sandbox/world/template';

/** Worlds at a time: on two cores, one waits while two work. */
const AT_A_TIME = 3;

const directory = mkdtempSync(join(tmpdir(), 'ghcr2ecr-mutation-'));
const template = readTemplate(synthesize(directory, { organization: 'My-Org' }));

afterAll(() => rmSync(directory, { recursive: true, force: true }));

// Every permission of the template is taken away once, in a deployment of its own; without it, a
// service has to refuse something.
describe.each<[string, readonly Mutation[]]>([
  ['every statement of every role', statementRemovals(template)],
  ['every single action', actionRemovals(template)],
])('a template without one permission: %s', (_, mutations) => {
  const outcomes = new Map<Mutation, PromiseSettledResult<Outcome>>();

  beforeAll(async () => {
    const limit = pLimit(AT_A_TIME);
    await Promise.all(slowestFirst(mutations).map(mutation => limit(async () => {
      const [outcome] = await Promise.allSettled([runMutation(mutation)]);
      outcomes.set(mutation, outcome);
    })));
    const done = mutations.flatMap(mutation => {
      const outcome = outcomes.get(mutation);
      return outcome?.status === 'fulfilled' ? [outcome.value] : [];
    });
    process.stdout.write(`\n${mutationTable(done)}\n\n`);
  }, 300_000);

  const result = (mutation: Mutation): Outcome => {
    const outcome = outcomes.get(mutation);
    if (outcome?.status !== 'fulfilled') { throw outcome?.reason ?? new Error('the mutation did not run'); }
    return outcome.value;
  };

  test.each(mutations.filter(mutation => !neverUsed(
    mutation,
  )).map((mutation): [string, Mutation] => [nameOf(mutation), mutation]))('fails without %s', (__, mutation) => {
    const { refusal, seenIn } = result(mutation);
    expect(refusal).toMatch(/is not authorized to perform: |does not have permissions to call /);
    expect(mutation.actions.some(action => refusal?.includes(action.split(':')[1]))).toBe(true);
    expect(seenIn).not.toEqual([]);
  });

  const unneeded = mutations.filter(neverUsed).map((mutation): [string, Mutation] => [nameOf(mutation), mutation]);
  if (unneeded.length > 0) {
    test.each(unneeded)('works here without %s, which only AWS itself makes necessary', (__, mutation) => {
      expect(result(mutation)).toMatchObject({ refusal: undefined, seenIn: [] });
    });
  }
});

function nameOf({ holder, statement, actions }: Mutation): string {
  return `${holder} ${statement}${actions.length === 1 ? ` (${actions[0]})` : ''}`;
}

/**
 * Without a working webhook, the deployment waits half a minute for GitHub's ping. Nothing else should wait for that.
 */
function slowestFirst(mutations: readonly Mutation[]): Mutation[] {
  return [...mutations]
    .sort((a, b) => Number(b.holder.startsWith('MirrorWebhook')) - Number(a.holder.startsWith('MirrorWebhook')));
}

function neverUsed({ holder, actions }: Mutation): boolean {
  return actions.every(action =>
    NEVER_USED.some(entry => entry.holder === holder && entry.element === 'Action' && entry.pattern.test(action)));
}
