import fc from 'fast-check';
import { digest } from './samples';
import { plan, Plan, SourceVersion, TargetImages } from '../../../lambda/shared/plan';

const TAGS = ['1', '1.0', '2', 'latest', 'edge', 'V', 'v', 'bad/tag', '.bad'];
const digests = fc.integer({ min: 1, max: 6 }).map(digest);
/** Duplicated digests and tags are likely on purpose: that is what shifting pages look like. */
const sources = fc.array(fc.record({ digest: digests, tags: fc.array(fc.constantFrom(...TAGS), { maxLength: 4 }) }), {
  maxLength: 10,
});
const targets = fc.option(fc.tuple(fc.array(fc.tuple(fc.constantFrom(...TAGS), digests)), fc.array(digests)).map(
  ([tags, untagged]): TargetImages => ({
    tags: new Map(tags),
    digests: new Set([...tags.map(([, held]) => held), ...untagged]),
  }),
), { nil: undefined });

function planned(source: readonly SourceVersion[], target: TargetImages | undefined): Plan {
  return plan('my-org/app', source, target);
}

/** The repository after the plan's actions. */
function apply({ actions }: Plan, target: TargetImages | undefined): TargetImages {
  const after = { digests: new Set(target?.digests), tags: new Map(target?.tags) };
  for (const action of actions) {
    // As in ECR: an image that is not there can't be tagged.
    if (action.kind === 'tag' && !after.digests.has(action.digest)) {
      throw new Error(`tag action on missing ${action.digest}`);
    }
    after.digests.add(action.digest);
    action.tags.forEach(tag => after.tags.set(tag, action.digest));
  }
  return after;
}

/** Tag to digest as GitHub lists it: the newest version that carries a tag, of the first listing of each version. */
function wanted(source: readonly SourceVersion[]): Map<string, string> {
  const first = source.filter(({ digest: own }, at) => source.findIndex(other => other.digest === own) === at);
  const pointers = new Map<string, string>();
  for (const { digest: own, tags } of first) {
    for (const tag of tags) { if (!pointers.has(tag)) { pointers.set(tag, own); } }
  }
  return pointers;
}

test('after its actions nothing is left to do', () => {
  fc.assert(fc.property(sources, targets, (source, target) => {
    const next = planned(source, apply(planned(source, target), target));
    expect(next.actions).toEqual([]);
  }));
});

test('after its actions every valid tag points to what GitHub lists, and no other tag has moved', () => {
  fc.assert(fc.property(sources, targets, (source, target) => {
    const after = apply(planned(source, target), target);
    const pointers = wanted(source);
    for (const tag of TAGS) {
      const valid = !tag.includes('/') && !tag.startsWith('.');
      expect(after.tags.get(tag)).toBe(valid ? pointers.get(tag) ?? target?.tags.get(tag) : target?.tags.get(tag));
    }
  }));
});

test('never plans an action for a tag that is right already', () => {
  fc.assert(fc.property(sources, targets, (source, target) => {
    for (const { digest: own, tags } of planned(source, target).actions) {
      tags.forEach(tag => expect(target?.tags.get(tag)).not.toBe(own));
    }
  }));
});

test('copies what the repository lacks, tags what it has', () => {
  fc.assert(fc.property(sources, targets, (source, target) => {
    for (const { kind, digest: own } of planned(source, target).actions) {
      expect(kind).toBe(target?.digests.has(own) ? 'tag' : 'copy');
    }
  }));
});

test('keeps the order of the source, and names every digest and every tag once', () => {
  fc.assert(fc.property(sources, targets, (source, target) => {
    const { actions } = planned(source, target);
    const order = [...new Set(source.map(version => version.digest))];
    const positions = actions.map(action => order.indexOf(action.digest));
    expect(positions).toEqual([...new Set(positions)].sort((a, b) => a - b));
    const tags = actions.flatMap(action => action.tags);
    expect(tags).toEqual([...new Set(tags)]);
    actions.forEach(action => expect(action.tags).not.toEqual([]));
  }));
});

test('a listing read again, with its pages overlapping, gives the same actions', () => {
  fc.assert(fc.property(sources, targets, fc.nat(), (source, target, at) => {
    const overlap = source.slice(0, at % (source.length + 1));
    expect(planned([...overlap, ...source], target).actions).toEqual(planned(source, target).actions);
  }));
});
