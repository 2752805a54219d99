import { describeInput, InputShape, MIB } from '../inputs';
import { Run, rowOf, runOnce } from '../race';
import { atMost, BenchOptions, Scenario } from '../result';
import { ours } from '../rivals/ours';
import { regsync } from '../rivals/regsync';
import { Servers } from '../servers/servers';

const DIGESTS = 5;

export const tags: Scenario = {
  name: 'tags',
  title: '50 tags on 5 digests, against the copy of the 5 digests with a tag each',
  run: async options => {
    const shape = (count: number): InputShape => ({
      seed: options.seed,
      packages: 1,
      tags: count,
      digests: DIGESTS,
      platforms: ['linux/amd64', 'linux/arm64'],
      layerBytes: { shared: 4 * MIB, ofPackage: 0, own: MIB },
    });
    const [few, many] = [await run(shape(DIGESTS), options), await run(shape(options.quick ? 4 * DIGESTS : 10 * DIGESTS), options)];
    const [copies, tagged] = [rowOf(tags.name, `${ours.name}, 5 tags`, few.own), rowOf(tags.name, `${ours.name}, ${many.input.tags} tags`, many.own)];
    const rivals = [few, many].flatMap(({ input, rival }) => rival.length === 0 ? [] : rowOf(tags.name, `regsync, parallel 16, ${input.tags} tags`, rival));
    return {
      rows: [copies, tagged, ...rivals],
      verdicts: [
        { ...atMost(tags.name, 'bytes written : those of 5 copies', (tagged.writtenBytes ?? 0) / (copies.writtenBytes ?? 1), 1, 'x'), threshold: '= 1x' },
        atMost(tags.name, 'time : that of 5 copies', tagged.seconds / copies.seconds, 1.5, 'x'),
      ],
      failures: [...few.own, ...many.own].flatMap(({ problems }) => problems),
    };
  },
};

async function run(input: InputShape, options: BenchOptions): Promise<{ readonly input: InputShape; readonly own: Run[]; readonly rival: Run[] }> {
  const { roundTripMs, connectionRoundTrips, directory, say } = options;
  const servers = await Servers.start({ input, roundTripMs, connectionRoundTrips, mirrored: false });
  try {
    say(`  input: ${describeInput(input)}`);
    const context = { servers, input, scenario: tags.name, directory, say };
    const own: Run[] = [];
    for (let round = 0; round < (options.quick ? 1 : 3); round++) { own.push(await runOnce(ours, context)); }
    const rival = options.regsync === undefined ? [] : [await runOnce(regsync(options.regsync, 16), context)];
    return { input, own, rival };
  } finally {
    await servers.close();
  }
}
