import type { SyncMessage } from '../../src/contract/messages';
import { contest, failuresOf, rowsOf, Standing } from '../contest';
import { wholeInput } from '../entries';
import { imageNames, InputShape, packageNames } from '../inputs';
import { MemoryWatch } from '../measure/process-tree';
import { onServers } from '../on-servers';
import { ahead, placeOf } from '../promises';
import { Race, Run, runOnce, runText } from '../race';
import { atLeast, BenchOptions, Row, Scenario, ScenarioResult } from '../result';
import { blobCaches } from '../rivals/blob-cache';
import type { Entry } from '../rivals/contestant';
import { craneNewTags } from '../rivals/crane';
import { regsync } from '../rivals/regsync';
import { skopeoSync } from '../rivals/skopeo';
import { rowOf, sampleOf } from '../row';

const ORGANIZATION: SyncMessage = { kind: 'organization' };

const inputOf = ({ seed, quick }: BenchOptions): InputShape => ({
  seed,
  packages: quick ? 10 : 100,
  tags: quick ? 5 : 20,
  // One platform: with an index of two, rivals that look at each manifest would need more.
  platforms: ['linux/amd64'],
  layerBytes: { shared: 0, ofPackage: 0, own: 256 },
});

/** Both scenarios need the same registries, full: they run one after the other on one set of servers. */
export const unchanged: Scenario = {
  name: 'unchanged',
  title: 'All packages are mirrored already (no-op), then one image is pushed (one-new). Ours is the deployed mirror: '
    + 'the message to the queue, dispatch '
    + 'in the Lambda sandbox from a cold start, the build where something is missing. In one-new, '
    + 'ours is told by the event, and regsync scans',
  run: options => onServers('no-op', { input: inputOf(options), mirrored: true }, options, async race => {
    const noOp = await compareNoOp(race, options);
    const oneNew = await compareOneNew({ ...race, scenario: 'one-new' }, options);
    return {
      rows: [...noOp.rows, ...oneNew.rows],
      verdicts: [...noOp.verdicts, ...oneNew.verdicts],
      failures: [...noOp.failures, ...oneNew.failures],
    };
  }),
};

async function compareNoOp(race: Race, options: BenchOptions): Promise<ScenarioResult> {
  const { programs, quick } = options;
  const prefix = race.servers.addresses.namespace;
  const mirror = mirrorEntry('cdk-ghcr2ecr, schedule');
  const rivals = [regsync(programs.regsync), craneNewTags(programs.crane)].map(entry => quickly(entry, quick));
  const work = wholeInput(race.input);
  const standings = await contest([mirror, ...rivals], quick ? 1 : 3, (contestant, entry, limitSeconds) =>
    entry === mirror
      ? reconcile(ORGANIZATION, race, 0)
      : runOnce(contestant, entry.name, race, { work, prefix, limitSeconds }));
  // crane does less here, so that its time is shown and not judged.
  const less = { note: 'looks for new names alone: a moved tag stays behind', incomparable: true };
  const rows = rowsOf(race, standings).map(row => row.tool === 'crane' ? { ...row, ...less } : row);
  const skopeo = await skopeoRow(race, options);
  return {
    rows: [...rows, skopeo],
    verdicts: [...noOpVerdicts(rows, skopeo), ...ahead(rows)],
    failures: failuresOf(standings),
  };
}

/** One image after the other, in repositories that share nothing: one package tells what all would take. */
async function skopeoRow(race: Race, { programs }: BenchOptions): Promise<Row> {
  const { tool, name, settings: [contestant] } = skopeoSync(programs.skopeo);
  const { input, scenario, roundTripMs, servers } = race;
  const part = { packages: packageNames({ packages: 1 }), images: imageNames({ ...input, packages: 1 }) };
  const run = await runOnce(contestant, name, race, { work: part, prefix: servers.addresses.namespace });
  return {
    ...rowOf(scenario, name, [run], sampleOf(1, input.packages)),
    roundTripMs,
    tool,
    setting: contestant.setting,
  };
}

function noOpVerdicts(rows: readonly Row[], skopeo: Row): ScenarioResult['verdicts'] {
  const [own, rival] = rows;
  return [
    atLeast(placeOf(own), 'requests of skopeo sync : ours', skopeo.requests ?? 0, own.requests ?? 1, 20),
    atLeast(placeOf(own), 'time of regsync (its best) : ours', rival.seconds, own.seconds, 5),
  ];
}

async function compareOneNew(race: Race, options: BenchOptions): Promise<ScenarioResult> {
  const { programs, quick } = options;
  const prefix = race.servers.addresses.namespace;
  const mirror = mirrorEntry('cdk-ghcr2ecr, told by the event');
  const work = wholeInput(race.input);
  // Every run gets a push of its own.
  const start = async (contestant: Entry['settings'][0], entry: Entry, limitSeconds?: number): Promise<Run> => {
    const { package: name, digest } = await race.servers.ask('publish', 0);
    if (entry === mirror) { return reconcile({ kind: 'package', package: name, digest }, race, 1); }
    return runOnce(contestant, entry.name, race, { work, prefix, limitSeconds });
  };
  const standings: Standing[] = await contest(
    [mirror, quickly(regsync(programs.regsync), quick)],
    quick ? 1 : 3,
    start,
  );
  const rows = rowsOf(race, standings)
    .map(row => row.tool === 'regsync' ? { ...row, note: 'scans all packages' } : row);
  return { rows, verdicts: ahead(rows), failures: failuresOf(standings) };
}

/** The deployed mirror is no program that is started: `reconcile` is what it does. */
function mirrorEntry(name: string): Entry {
  const prepare = (): never => { throw new Error('the deployed mirror is started by a message'); };
  return { tool: 'DIRECT', name, settings: [{ setting: '', createsRepositories: true, prepare }] };
}

function quickly(entry: Entry, quick: boolean): Entry {
  return quick ? { ...entry, settings: [entry.settings[0]] } : entry;
}

/** One message through the deployed mirror. */
async function reconcile(
  message: SyncMessage,
  { servers, input, scenario, roundTripMs, say }: Race,
  builds: number,
): Promise<Run> {
  const { pid, namespace } = servers.addresses;
  await servers.ask('coolDown');
  blobCaches.forget();
  await servers.ask('mark');
  const watch = new MemoryWatch(pid, false);
  const result = await servers.ask('reconcile', message);
  const peakBytes = watch.stop();
  const traffic = await servers.ask('traffic');
  const verified = await servers.ask('verify', { prefix: namespace, packages: input.packages });
  say(`  ${scenario}, ${roundTripMs} ms: cdk-ghcr2ecr (${message.kind}): `
    + `${runText(result.seconds, traffic, verified)}`);
  const started = result.builds === builds ? [] : [`${result.builds} builds were started, expected ${builds}`];
  return {
    seconds: result.seconds,
    peakBytes,
    traffic,
    problems: [...result.problems, ...started, ...verified.different],
  };
}
