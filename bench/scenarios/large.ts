import { contest, failuresOf, rowsOf } from '../contest';
import { copiers, wholeInput } from '../entries';
import { InputShape, MIB } from '../inputs';
import { onServers } from '../on-servers';
import { ahead, memory, placeOf } from '../promises';
import { Race, runOnce } from '../race';
import { atMost, BenchOptions, Row, Scenario, ScenarioResult, Verdict } from '../result';
import { ours } from '../rivals/ours';

const LAYER_BYTES = 384 * MIB;

/** The bytes pass through: what an image takes of the build's memory must not be its size. */
export const large: Scenario = {
  name: 'large',
  title: 'Two images of large layers, 800 MB together; ours also copies two of layers a twelfth of the size, '
    + 'to compare the peak memory',
  run: async options => {
    const twelfths = new Map<number, Row | undefined>();
    const small = await onServers(
      'large, a twelfth',
      { input: inputOf(options, LAYER_BYTES / 12), mirrored: false },
      options,
      async race => {
        const result = await compare(race, options, true);
        twelfths.set(race.roundTripMs, result.rows[0]);
        return result;
      },
    );
    const bytes = options.quick ? LAYER_BYTES / 6 : LAYER_BYTES;
    const whole =
      await onServers(large.name, { input: inputOf(options, bytes), mirrored: false }, options, async race => {
        const result = await compare(race, options, false);
        return {
          ...result,
          verdicts: [...result.verdicts, ...againstTwelfth(twelfths.get(race.roundTripMs), result.rows[0])],
        };
      });
    return {
      rows: [...small.rows, ...whole.rows],
      verdicts: whole.verdicts,
      failures: [...small.failures, ...whole.failures],
    };
  },
};

function inputOf({ seed }: BenchOptions, layerBytes: number): InputShape {
  return {
    seed,
    packages: 1,
    tags: 2,
    platforms: ['linux/amd64'],
    layerBytes: { shared: layerBytes, ofPackage: 0, own: layerBytes / 2 },
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

function againstTwelfth(twelfth: Row | undefined, whole: Row): Verdict[] {
  const growth = (whole.peakBytes ?? 0) / (twelfth?.peakBytes ?? NaN);
  return [atMost(placeOf(whole), 'peak memory of DIRECT : that for images a twelfth of the size', growth, 1.25, 'x')];
}
