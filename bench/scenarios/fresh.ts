import { contest, failuresOf, rowsOf } from '../contest';
import { copiers, wholeInput } from '../entries';
import { InputShape, KIB, MIB } from '../inputs';
import { onServers } from '../on-servers';
import { againstBound, ahead, memory, skopeoAgainstDirect } from '../promises';
import { Race, runOnce } from '../race';
import type { BenchOptions, Row, Scenario, ScenarioResult, Verdict } from '../result';

function inputOf({ seed, quick }: BenchOptions): InputShape {
  return {
    seed,
    packages: quick ? 2 : 8,
    tags: quick ? 2 : 5,
    platforms: ['linux/amd64', 'linux/arm64'],
    layerBytes: { shared: 4 * MIB, ofPackage: MIB, own: 256 * KIB },
  };
}

/** Most that the engine SKOPEO takes of the time of DIRECT, by round trip in milliseconds. */
const SKOPEO_LIMITS = { 5: 2, 30: 4 };

export const fresh: Scenario = {
  name: 'fresh',
  title: 'A first copy of multi-arch images with shared layers; ECR takes any rate of PutImage, '
    + 'and our `putImageRate` is raised likewise',
  run: options => {
    const input = inputOf(options);
    return onServers(fresh.name, { input, mirrored: false }, options, race =>
      compare(race, options, 3, rows => [...ahead(rows), ...skopeoAgainstDirect(rows, SKOPEO_LIMITS)]));
  },
};

/**
 * ECR lets a second's worth pass at once: https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html
 */
const PUT_IMAGE_PER_SECOND = 10;

export const freshPaced: Scenario = {
  name: 'fresh-10/s',
  title: `The same first copy where ECR takes ${PUT_IMAGE_PER_SECOND} PutImage a second, `
    + 'and our `putImageRate` is its default',
  run: options => {
    const input = inputOf(options);
    const bound = boundOf(input);
    options.say(`  ${bound.puts} PutImage at ${PUT_IMAGE_PER_SECOND}/s take ${bound.seconds.toFixed(1)} s at least`);
    // The rate, not the machine, makes the time: one run each.
    return onServers(
      freshPaced.name,
      { input, mirrored: false, putImagePerSecond: PUT_IMAGE_PER_SECOND },
      options,
      race =>
        compare(race, options, 1, rows => [
          ...ahead(rows), ...againstBound(rows, 'DIRECT', bound, 1.3), ...againstBound(rows, 'SKOPEO', bound, 1.6),
        ]),
    );
  },
};

async function compare(
  race: Race, options: BenchOptions, rounds: number, promises: (rows: readonly Row[]) => readonly Verdict[],
): Promise<ScenarioResult> {
  const work = wholeInput(race.input);
  const standings = await contest(copiers(options), options.quick ? 1 : rounds, (contestant, { name }, limitSeconds) =>
    runOnce(contestant, name, race, { work, limitSeconds }));
  const rows = rowsOf(race, standings);
  return { rows, verdicts: [...promises(rows), ...memory(rows)], failures: failuresOf(standings) };
}

/** What the rate alone takes. Each manifest of an index is a PutImage of its own. */
function boundOf({ packages, tags, platforms }: InputShape): { readonly puts: number; readonly seconds: number } {
  const puts = packages * tags * (platforms.length + 1);
  return { puts, seconds: (puts - PUT_IMAGE_PER_SECOND) / PUT_IMAGE_PER_SECOND };
}
