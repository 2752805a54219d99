import type { SyncRun } from './context';
import { conflictCause, ImageOutcome } from './report';

/**
 * Reads the repository back: an image counts as done when ECR says that its tags point to its digest. That also settles conflicts: an
 * immutable repository refuses a tag that another writer, or a try whose answer was lost, has put there with the same image.
 */
export async function verify(repository: string, outcomes: readonly ImageOutcome[], run: SyncRun): Promise<ImageOutcome[]> {
  const tags = outcomes.filter(({ kind }) => kind === 'copied' || kind === 'tagged' || kind === 'conflict').flatMap(outcome => outcome.tags);
  if (tags.length === 0) { return [...outcomes]; }
  const held = await run.target.list(repository, tags);
  return outcomes.map(outcome => judged(outcome, outcome.tags.filter(tag => held?.tags.get(tag) !== outcome.digest), held?.tags));
}

function judged(outcome: ImageOutcome, wrong: readonly string[], held: ReadonlyMap<string, string> = new Map()): ImageOutcome {
  const right = wrong.length === 0;
  switch (outcome.kind) {
    case 'conflict':
      return right ? { ...outcome, kind: 'tagged', cause: undefined } : { ...outcome, cause: conflictCause(wrong.map(tag => held.get(tag) ?? 'nothing').join(', ')) };
    case 'copied':
    case 'tagged':
      return right ? outcome : { ...outcome, kind: 'failed', cause: changedCause(outcome, wrong, held) };
    default:
      return outcome;
  }
}

function changedCause({ digest }: ImageOutcome, wrong: readonly string[], held: ReadonlyMap<string, string>): string {
  const found = wrong.map(tag => `${tag} -> ${held.get(tag) ?? 'nothing'}`).join(', ');
  return `ECR holds ${found} after the copy, expected ${digest}. Another writer moved the tag, or it was pushed again meanwhile: the next run settles it.`;
}
