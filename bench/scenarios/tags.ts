import { InputShape, MIB } from '../inputs';
import { runOnOwnServers } from '../own-servers';
import { rowOf } from '../race';
import { atMost, Scenario } from '../result';
import { ours } from '../rivals/ours';

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
    const copied = await runOnOwnServers(tags.name, shape(DIGESTS), options);
    const many = await runOnOwnServers(tags.name, shape(options.quick ? 4 * DIGESTS : 10 * DIGESTS), options);
    const [copies, tagged] = [rowOf(tags.name, `${ours.name}, 5 tags`, copied.own), rowOf(tags.name, `${ours.name}, ${many.input.tags} tags`, many.own)];
    const rivals = [copied, many].flatMap(({ input, rival }) => rival.length === 0 ? [] : rowOf(tags.name, `regsync, parallel 16, ${input.tags} tags`, rival));
    return {
      rows: [copies, tagged, ...rivals],
      verdicts: [
        { ...atMost(tags.name, 'bytes written : those of 5 copies', (tagged.writtenBytes ?? 0) / (copies.writtenBytes ?? 1), 1, 'x'), threshold: '= 1x' },
        atMost(tags.name, 'time : that of 5 copies', tagged.seconds / copies.seconds, 1.5, 'x'),
      ],
      failures: [...copied.own, ...many.own].flatMap(({ problems }) => problems),
    };
  },
};
