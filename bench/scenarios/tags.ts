import { contest, failuresOf, rowsOf } from '../contest';
import { copiers, wholeInput } from '../entries';
import { InputShape, MIB } from '../inputs';
import { onServers } from '../on-servers';
import { ahead, memory, placeOf } from '../promises';
import { Race, runOnce } from '../race';
import { atMost, BenchOptions, Row, Scenario, ScenarioResult, Verdict } from '../result';
import { ours } from '../rivals/ours';

const DIGESTS = 5;
const EACH_ONCE = `tags, ${DIGESTS} on ${DIGESTS}`;

export const tags: Scenario = {
  name: 'tags',
  title: '50 tags on 5 digests; ours also copies the 5 digests with a tag each, for comparison',
  run: async options => {
    const few = new Map<number, readonly Row[]>();
    const once =
      await onServers(EACH_ONCE, { input: inputOf(options, DIGESTS), mirrored: false }, options, async race => {
        const result = await compare(race, options, true);
        few.set(race.roundTripMs, result.rows);
        return result;
      });
    const count = options.quick ? 4 * DIGESTS : 10 * DIGESTS;
    const many = await onServers(`tags, ${count} on `
      + `${DIGESTS}`, { input: inputOf(options, count), mirrored: false }, options, async race => {
      const result = await compare(race, options, false);
      return {
        ...result,
        verdicts: [...result.verdicts, ...againstEachOnce(few.get(race.roundTripMs) ?? [], result.rows)],
      };
    });
    return {
      rows: [...once.rows, ...many.rows],
      verdicts: many.verdicts,
      failures: [...once.failures, ...many.failures],
    };
  },
};

function inputOf({ seed }: BenchOptions, count: number): InputShape {
  return {
    seed,
    packages: 1,
    tags: count,
    digests: DIGESTS,
    platforms: ['linux/amd64', 'linux/arm64'],
    layerBytes: { shared: 4 * MIB, ofPackage: 0, own: MIB },
  };
}

async function compare(race: Race, options: BenchOptions, alone: boolean): Promise<ScenarioResult> {
  const work = wholeInput(race.input);
  const entries = alone ? [ours('DIRECT')] : copiers(options);
  const standings = await contest(entries, options.quick ? 1 : 3, (contestant, { name }, limitSeconds) =>
    runOnce(contestant, name, race, { work, limitSeconds }));
  const rows = rowsOf(race, standings);
  return { rows, verdicts: [...ahead(rows), ...memory(rows)], failures: failuresOf(standings) };
}

/** Further tags are pointers: no bytes, and little time. */
function againstEachOnce(few: readonly Row[], many: readonly Row[]): Verdict[] {
  const [copies, tagged] = [few, many].map(rows => rows.find(({ tool }) => tool === 'DIRECT'));
  if (copies === undefined || tagged === undefined) { throw new Error('the engine DIRECT was not measured'); }
  const bytes = (tagged.writtenBytes ?? 0) / (copies.writtenBytes ?? 1);
  return [
    { ...atMost(placeOf(tagged), 'bytes written by DIRECT : those of 5 copies', bytes, 1, 'x'), threshold: '= 1x' },
    atMost(placeOf(tagged), 'time of DIRECT : that of 5 copies', tagged.seconds / copies.seconds, 1.5, 'x'),
  ];
}
