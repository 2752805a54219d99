import { describeInput, InputShape, MIB } from '../inputs';
import { rowOf, Run, runOnce } from '../race';
import { atMost, BenchOptions, Scenario } from '../result';
import { ours } from '../rivals/ours';
import { regsync } from '../rivals/regsync';
import { Servers } from '../servers/servers';

/** The bytes pass through: what an image takes of the build's memory must not be its size. */
export const large: Scenario = {
  name: 'large',
  title: 'Two images of large layers, and two of layers a twelfth of the size: peak memory',
  run: async options => {
    const shape = (layerBytes: number): InputShape => ({
      seed: options.seed,
      packages: 1,
      tags: 2,
      platforms: ['linux/amd64'],
      layerBytes: { shared: layerBytes, ofPackage: 0, own: layerBytes / 2 },
    });
    const full = 384 * MIB;
    const [few, many] = [await run(shape(full / 12), options), await run(shape(full), options)];
    const [small, big] = [rowOf(large.name, `${ours.name}, a twelfth`, few.own), rowOf(large.name, `${ours.name}, large`, many.own)];
    const rivals = many.rival.length === 0 ? [] : [rowOf(large.name, 'regsync, parallel 16, large', many.rival)];
    const verdicts = [atMost(large.name, 'peak memory : that of images a twelfth of the size', (big.peakBytes ?? 0) / (small.peakBytes ?? 1), 1.25, 'x')];
    return { rows: [small, big, ...rivals], verdicts, failures: [...few.own, ...many.own].flatMap(({ problems }) => problems) };
  },
};

async function run(input: InputShape, options: BenchOptions): Promise<{ readonly own: Run[]; readonly rival: Run[] }> {
  const { roundTripMs, connectionRoundTrips, directory, say } = options;
  const servers = await Servers.start({ input, roundTripMs, connectionRoundTrips, mirrored: false });
  try {
    say(`  input: ${describeInput(input)}`);
    const context = { servers, input, scenario: large.name, directory, say };
    const own: Run[] = [];
    const rival: Run[] = [];
    for (let round = 0; round < (options.quick ? 1 : 3); round++) {
      own.push(await runOnce(ours, context));
      if (options.regsync !== undefined) { rival.push(await runOnce(regsync(options.regsync, 16), context)); }
    }
    return { own, rival };
  } finally {
    await servers.close();
  }
}
