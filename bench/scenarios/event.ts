import { contest, failuresOf, rowsOf } from '../contest';
import { imageCopiers } from '../entries';
import { InputShape, KIB, MIB, packageNames } from '../inputs';
import { onServers } from '../on-servers';
import { ahead, memory, skopeoAgainstDirect } from '../promises';
import { Race, runOnce } from '../race';
import { BenchOptions, Scenario, ScenarioResult, together } from '../result';

const PLATFORMS = ['linux/amd64', 'linux/arm64', 'linux/arm/v7', 'linux/386', 'linux/ppc64le', 'linux/s390x'];

/**
 * Most that the engine SKOPEO takes of the time of DIRECT for an image of several platforms,
 * by round trip in milliseconds.
 */
const SKOPEO_LIMITS = { 30: 2.5 };

const nameOf = (count: number): string => `event, ${count} platform${count === 1 ? '' : 's'}`;

export const event: Scenario = {
  name: 'event',
  title: 'One more image, of one, two and six platforms, is pushed to a package that is mirrored. '
    + 'Ours is the sync program that the event starts: it knows '
    + 'the package, and finds the image itself. The others are given the very tag',
  run: async options => {
    const results: ScenarioResult[] = [];
    for (const count of options.quick ? [2] : [1, 2, 6]) {
      const input = inputOf(options, count);
      results.push(await onServers(nameOf(count), { input, mirrored: true }, options, race => compare(race, options)));
    }
    return together(results);
  },
};

function inputOf({ seed }: BenchOptions, platforms: number): InputShape {
  // A new image brings a layer and a config of its own for each platform; ECR has the others.
  return {
    seed,
    packages: 1,
    tags: 5,
    platforms: PLATFORMS.slice(0, platforms),
    layerBytes: { shared: 4 * MIB, ofPackage: MIB, own: 256 * KIB },
  };
}

async function compare(race: Race, options: BenchOptions): Promise<ScenarioResult> {
  const packages = packageNames(race.input);
  const { namespace } = race.servers.addresses;
  const standings = await contest(imageCopiers(options), options.quick ? 1 : 3, async (contestant, { name }) => {
    const { package: pushed, tag } = await race.servers.ask('publish', 0);
    const work = { packages, images: [{ package: pushed, tag }], exact: true };
    return runOnce(contestant, name, race, { work, prefix: namespace });
  });
  const rows = rowsOf(race, standings);
  const limits = race.input.platforms.length > 1 ? SKOPEO_LIMITS : {};
  return {
    rows,
    verdicts: [...ahead(rows), ...skopeoAgainstDirect(rows, limits), ...memory(rows)],
    failures: failuresOf(standings),
  };
}
