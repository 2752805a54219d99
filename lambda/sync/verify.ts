import type { SyncRun } from './context';
import { conflictCause, ImageOutcome } from './report';

/**
 * Compares the outcomes with the repository: an image counts as done when ECR says that its tags point to its digest. That also settles
 * conflicts: an immutable repository refuses a tag that another writer, or an attempt whose answer was lost, has put there with the same
 * image.
 */
export async function verify(repository: string, outcomes: readonly ImageOutcome[], run: SyncRun): Promise<ImageOutcome[]> {
  const tags = outcomes.filter(({ kind }) => kind === 'copied' || kind === 'tagged' || kind === 'conflict').flatMap(outcome => outcome.tags);
  if (tags.length === 0) { return [...outcomes]; }
  const present = await run.target.list(repository, tags);
  return outcomes.map(outcome => judged(outcome, outcome.tags.filter(tag => present?.tags.get(tag) !== outcome.digest), present?.tags));
}

function judged(outcome: ImageOutcome, wrong: readonly string[], present: ReadonlyMap<string, string> = new Map()): ImageOutcome {
  const right = wrong.length === 0;
  switch (outcome.kind) {
    case 'conflict':
      return right ? { ...outcome, kind: 'tagged', cause: undefined } : { ...outcome, cause: conflictCause(wrong.map(tag => present.get(tag) ?? 'nothing').join(', ')) };
    case 'copied':
    case 'tagged':
      return right ? outcome : { ...outcome, kind: 'failed', cause: changedCause(outcome, wrong, present) };
    default:
      return outcome;
  }
}

function changedCause({ digest }: ImageOutcome, wrong: readonly string[], present: ReadonlyMap<string, string>): string {
  const found = wrong.map(tag => `${tag} -> ${present.get(tag) ?? 'nothing'}`).join(', ');
  return `ECR holds ${found} after the copy, expected ${digest}. Another writer moved the tag, or it was pushed again meanwhile: the next run settles it.`;
}
