import { InputShape, MIB } from '../inputs';
import { runOnOwnServers } from '../own-servers';
import { rowOf } from '../race';
import { atMost, Scenario } from '../result';
import { ours } from '../rivals/ours';

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
    const twelfth = await runOnOwnServers(large.name, shape(full / 12), options);
    const whole = await runOnOwnServers(large.name, shape(full), options);
    const [small, big] = [rowOf(large.name, `${ours.name}, a twelfth`, twelfth.own), rowOf(large.name, `${ours.name}, large`, whole.own)];
    const rivals = whole.rival.length === 0 ? [] : [rowOf(large.name, 'regsync, parallel 16, large', whole.rival)];
    const verdicts = [atMost(large.name, 'peak memory : that of images a twelfth of the size', (big.peakBytes ?? 0) / (small.peakBytes ?? 1), 1.25, 'x')];
    return { rows: [small, big, ...rivals], verdicts, failures: [...twelfth.own, ...whole.own].flatMap(({ problems }) => problems) };
  },
};
