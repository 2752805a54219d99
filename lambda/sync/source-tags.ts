import type { ImageOutcome } from './report';

/** Tags that point, or shall point, to one image. */
export interface TagGroup {
  readonly digest: string;
  readonly tags: readonly string[];
}

/** How the source and the copy are reached. */
export interface TagMover {
  /** Digests that the source gives these tags now; undefined for a tag that it does not have. */
  sourceDigests(tags: readonly string[]): Promise<ReadonlyMap<string, string | undefined>>;
  /** Brings the image into the repository and points the tags to it. Never throws: a failure is an outcome. */
  place(group: TagGroup): Promise<ImageOutcome>;
  /** The outcome of tags about which the source could not be asked, or that it moves too often. */
  failed(group: TagGroup, error: unknown): ImageOutcome;
}

/** A tag that moves more often than this while it is copied is left to the next run. */
const MAX_MOVES = 5;

/**
 * Places an image, with the source deciding at the moment of writing.
 *
 * Plans grow old while builds run: without this, a slow build that planned `latest -> A` would put A after a faster
 * one has put B. Before a tag that exists is moved, the source is asked where it points to now, and after every put
 * it is asked again. So the last writer is also the last to look, and any interleaving of builds ends with the
 * source's digest.
 *
 * @param planned the plan's image and tags
 * @param existing tags that the repository had when the plan was made
 */
export async function placeBySource(
  planned: TagGroup, existing: ReadonlySet<string>, mover: TagMover,
): Promise<ImageOutcome[]> {
  const outcomes: ImageOutcome[] = [];
  try {
    const moves = planned.tags.filter(tag => existing.has(tag));
    let groups = regroup(planned, moves.length > 0 ? await mover.sourceDigests(moves) : new Map());
    for (let round = 0; groups.length > 0; round++) {
      if (round > MAX_MOVES) { return [...outcomes, ...groups.map(group => mover.failed(group, restless(group)))]; }
      const placed = await Promise.all(groups.map(group => mover.place(group)));
      const { kept, moved } = await movedMeanwhile(placed, mover);
      outcomes.push(...kept);
      groups = moved;
    }
    return outcomes;
  } catch (error) {
    const done = new Set(outcomes.flatMap(({ tags }) => tags));
    return [...outcomes, mover.failed({ ...planned, tags: planned.tags.filter(tag => !done.has(tag)) }, error)];
  }
}

/** Divides outcomes into those that the source still agrees with, and tags that it has moved since. */
async function movedMeanwhile(
  outcomes: readonly ImageOutcome[], mover: TagMover,
): Promise<{ readonly kept: ImageOutcome[]; readonly moved: TagGroup[] }> {
  const tags = outcomes.filter(wasWritten).flatMap(outcome => outcome.tags);
  const now = tags.length > 0 ? await mover.sourceDigests(tags) : new Map<string, string>();
  const kept: ImageOutcome[] = [];
  const moved: TagGroup[] = [];
  for (const outcome of outcomes) {
    if (!wasWritten(outcome)) {
      kept.push(outcome);
      continue;
    }
    for (const group of regroup(outcome, now)) {
      if (group.digest === outcome.digest) { kept.push({ ...outcome, tags: group.tags }); } else { moved.push(group); }
    }
  }
  return { kept, moved };
}

/**
 * Groups tags by the digest that the source gives them now. A tag that the source doesn't know stays with its planned
 * image: it was listed a moment ago, and GHCR's registry can trail behind GitHub's listing.
 */
export function regroup(
  { digest, tags }: TagGroup, now: ReadonlyMap<string, string | undefined>,
): TagGroup[] {
  const groups = new Map<string, string[]>();
  for (const tag of tags) {
    const current = now.get(tag) ?? digest;
    groups.set(current, [...groups.get(current) ?? [], tag]);
  }
  return [...groups].map(([current, grouped]) => ({ digest: current, tags: grouped }));
}

/** An outcome whose tags were put. */
export function wasWritten(outcome: ImageOutcome): outcome is ImageOutcome & { readonly digest: string } {
  return (outcome.kind === 'copied' || outcome.kind === 'tagged') && outcome.digest !== undefined;
}

function restless({ tags }: TagGroup): Error {
  return new Error(`GHCR moved ${tags.join(', ')} more than ${MAX_MOVES} times while this build copied it, `
    + 'expected a tag to stay for the length of a copy.');
}
