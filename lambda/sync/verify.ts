import { conflictCause, ImageOutcome } from './report';
import { regroup, TagMover, wasWritten } from './source-tags';
import type { TargetImages } from '../shared/plan';

/** How the check reaches the repository, and the source that decides. */
export interface Verifier extends TagMover {
  /** The repository's tags as they are now; undefined when there is no such repository. */
  list(): Promise<Pick<TargetImages, 'tags'> | undefined>;
  sleep(ms: number): Promise<unknown>;
}

/** Milliseconds before each further look: what ECR lists can trail behind what was put. */
const LOOK_AGAIN_MS = [500, 1_000, 2_000, 4_000];

/** From this look on, a tag that is still not right is put again. */
const PUT_AGAIN_FROM = 2;

/**
 * Compares the outcomes with the repository: an image counts as done when ECR says that its tags point to the digest
 * that the source gives them. Another writer may have moved a tag since; then the source decides who was right.
 * That also settles conflicts: an immutable repository refuses a tag that another writer, or an attempt whose answer
 * was lost, has put there with the same image.
 */
export async function verify(
  repository: string, outcomes: readonly ImageOutcome[], verifier: Verifier,
): Promise<ImageOutcome[]> {
  if (!outcomes.some(outcome => wasWritten(outcome) || outcome.kind === 'conflict')) { return [...outcomes]; }
  let checked = [...outcomes];
  for (let look = 0; ; look++) {
    const present = (await verifier.list())?.tags ?? new Map<string, string>();
    checked = checked.map(outcome => outcome.kind === 'conflict' ? settledConflict(outcome, present) : outcome);
    const wrong = wrongTags(checked, present);
    if (wrong.length === 0) { return checked; }
    const source = await verifier.sourceDigests(wrong);
    const open = wrong.filter(tag => present.get(tag) === undefined || source.get(tag) !== present.get(tag));
    if (open.length === 0) { return checked; }
    if (look === LOOK_AGAIN_MS.length) { return judged(repository, checked, open, present); }
    if (look >= PUT_AGAIN_FROM) { checked = await putAgain(checked, open, source, verifier); }
    await verifier.sleep(LOOK_AGAIN_MS[look]);
  }
}

function settledConflict(outcome: ImageOutcome, present: ReadonlyMap<string, string>): ImageOutcome {
  const wrong = outcome.tags.filter(tag => present.get(tag) !== outcome.digest);
  return wrong.length === 0
    ? { ...outcome, kind: 'tagged', cause: undefined }
    : { ...outcome, cause: conflictCause(wrong.map(tag => present.get(tag) ?? 'nothing').join(', ')) };
}

function wrongTags(outcomes: readonly ImageOutcome[], present: ReadonlyMap<string, string>): string[] {
  return outcomes.filter(wasWritten).flatMap(({ digest, tags }) => tags.filter(tag => present.get(tag) !== digest));
}

/** Puts the open tags once more, to where the source has them. The other tags keep their outcome. */
async function putAgain(
  outcomes: readonly ImageOutcome[],
  open: readonly string[],
  source: ReadonlyMap<string, string | undefined>,
  verifier: TagMover,
): Promise<ImageOutcome[]> {
  const next = await Promise.all(outcomes.map(async outcome => {
    if (!wasWritten(outcome)) { return [outcome]; }
    const [wrong, right] = [true, false].map(isOpen => outcome.tags.filter(tag => open.includes(tag) === isOpen));
    if (wrong.length === 0) { return [outcome]; }
    const placed = await Promise.all(regroup({ ...outcome, tags: wrong }, source).map(group => verifier.place(group)));
    return right.length > 0 ? [{ ...outcome, tags: right }, ...placed] : placed;
  }));
  return next.flat();
}

function judged(
  repository: string, outcomes: readonly ImageOutcome[], open: readonly string[], present: ReadonlyMap<string, string>,
): ImageOutcome[] {
  return outcomes.map(outcome => {
    const wrong = wasWritten(outcome) ? outcome.tags.filter(tag => open.includes(tag)) : [];
    if (wrong.length === 0) { return outcome; }
    const found = wrong.map(tag => `${tag} -> ${present.get(tag) ?? 'nothing'}`).join(', ');
    return {
      ...outcome,
      kind: 'failed',
      cause: `ECR lists ${found} in ${repository} although ${outcome.digest} was put again and again. `
        + 'Look for another writer of this repository, or a lifecycle rule that removes new images.',
    };
  });
}
