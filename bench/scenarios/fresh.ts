import { describeInput, InputShape, KIB, MIB } from '../inputs';
import { fastest, REGSYNC_PARALLEL, Run, rowOf, runOnce, sampleOf } from '../race';
import { atLeast, atMost, BenchOptions, Scenario, ScenarioResult, Verdict } from '../result';
import type { Contestant } from '../rivals/contestant';
import { ours } from '../rivals/ours';
import { regsync } from '../rivals/regsync';
import { skopeoSync } from '../rivals/skopeo';
import { Servers } from '../servers/servers';

function inputOf({ seed, quick }: BenchOptions): InputShape {
  return {
    seed,
    packages: quick ? 2 : 8,
    tags: quick ? 2 : 5,
    platforms: ['linux/amd64', 'linux/arm64'],
    layerBytes: { shared: 4 * MIB, ofPackage: MIB, own: 256 * KIB },
  };
}

/** ECR lets a second's worth pass at once: https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html */
const PUT_IMAGE_PER_SECOND = 10;

export const fresh: Scenario = {
  name: 'fresh',
  title: 'A first copy of multi-arch images with shared layers; ECR takes any rate of PutImage, and our `putImageRate` is raised likewise',
  run: async options => {
    const input = inputOf(options);
    const servers = await Servers.start({ input, ...distance(options), mirrored: false });
    try {
      options.say(`  input: ${describeInput(input)}`);
      return await race(servers, input, options);
    } finally {
      await servers.close();
    }
  },
};

async function race(servers: Servers, input: InputShape, options: BenchOptions): Promise<ScenarioResult> {
  const context = { servers, input, scenario: fresh.name, directory: options.directory, say: options.say };
  const rivals = options.regsync === undefined ? [] : REGSYNC_PARALLEL.map(parallel => regsync(options.regsync ?? '', parallel));
  const runs = new Map<Contestant, Run[]>();
  const run = async (contestant: Contestant): Promise<void> => {
    runs.set(contestant, [...runs.get(contestant) ?? [], await runOnce(contestant, context)]);
  };
  // Interleaved, so that what else the machine does hits all of them.
  for (const contestant of [ours, ...rivals]) { await run(contestant); }
  const best = fastest(rivals.map(rival => ({ rival, seconds: runs.get(rival)?.[0].seconds ?? Infinity })))?.rival;
  for (let round = 1; round < (options.quick ? 1 : 3); round++) {
    for (const contestant of best ? [ours, best] : [ours]) { await run(contestant); }
  }
  // One image after the other, in repositories that share nothing: two packages tell what all would take.
  const sampled = options.full ? input.packages : Math.min(2, input.packages);
  const skopeo = rowOf(fresh.name, skopeoSync.name, [await runOnce(skopeoSync, context, sampled)], sampleOf(sampled, input.packages));
  const rows = [...runs].map(([contestant, list]) => rowOf(fresh.name, contestant.name, list));
  const own = rows[0];
  const rival = fastest(rows.slice(1));
  const verdicts: Verdict[] = [atLeast(fresh.name, 'time of skopeo sync : ours', skopeo.seconds, own.seconds, 2)];
  if (rival) { verdicts.push(atLeast(fresh.name, `time of ${rival.contestant} (its best) : ours`, rival.seconds, own.seconds, 1)); }
  return { rows: [...rows, skopeo], verdicts, failures: (runs.get(ours) ?? []).flatMap(({ problems }) => problems) };
}

export const freshPaced: Scenario = {
  name: 'fresh-10/s',
  title: `The same first copy where ECR takes ${PUT_IMAGE_PER_SECOND} PutImage a second, and our \`putImageRate\` is its default`,
  run: async options => {
    const input = inputOf(options);
    const servers = await Servers.start({ input, ...distance(options), mirrored: false, putImagePerSecond: PUT_IMAGE_PER_SECOND });
    try {
      return await paced(servers, input, options);
    } finally {
      await servers.close();
    }
  },
};

async function paced(servers: Servers, input: InputShape, options: BenchOptions): Promise<ScenarioResult> {
  const context = { servers, input, scenario: freshPaced.name, directory: options.directory, say: options.say };
  const own: Run[] = [];
  const rival: Run[] = [];
  const contestant = options.regsync === undefined ? undefined : regsync(options.regsync, Math.max(...REGSYNC_PARALLEL));
  for (let round = 0; round < (options.quick ? 1 : 2); round++) {
    own.push(await runOnce(ours, context));
    if (contestant) { rival.push(await runOnce(contestant, context)); }
  }
  // Each manifest of an index is a PutImage of its own.
  const puts = input.packages * input.tags * (input.platforms.length + 1);
  const bound = (puts - PUT_IMAGE_PER_SECOND) / PUT_IMAGE_PER_SECOND;
  const row = rowOf(freshPaced.name, ours.name, own);
  const verdicts = [atMost(freshPaced.name, `our time : bound of ${bound.toFixed(1)} s for ${puts} PutImage`, row.seconds / bound, 1.3, 'x')];
  const rows = contestant ? [row, rowOf(freshPaced.name, contestant.name, rival)] : [row];
  if (contestant) { verdicts.push(atLeast(freshPaced.name, `time of ${contestant.name} : ours`, rows[1].seconds, row.seconds, 1)); }
  return { rows, verdicts, failures: own.flatMap(({ problems }) => problems) };
}

function distance({ roundTripMs, connectionRoundTrips }: BenchOptions): Pick<BenchOptions, 'roundTripMs' | 'connectionRoundTrips'> {
  return { roundTripMs, connectionRoundTrips };
}
