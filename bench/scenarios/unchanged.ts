import type { SyncMessage } from '../../src/contract/messages';
import { describeInput, InputShape } from '../inputs';
import { MemoryWatch } from '../measure/process-tree';
import { fastest, RaceOptions, REGSYNC_PARALLEL, requestsOf, rowOf, Run, runLine, runOnce, sampleOf } from '../race';
import { atLeast, BenchOptions, Row, Scenario, ScenarioResult, Verdict } from '../result';
import { forgetBlobs } from '../rivals/blob-cache';
import type { Contestant } from '../rivals/contestant';
import { regsync } from '../rivals/regsync';
import { skopeoSync } from '../rivals/skopeo';
import { Servers } from '../servers/servers';

/** Everything but AWS's own waits: provisioning of a build takes seconds there, and messages wait out the coalescing window. */
const OURS = 'cdk-ghcr2ecr';
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
  title: 'All packages are mirrored already (no-op), then one image is pushed (one-new). Ours is what the schedule starts: the message to the queue, '
    + 'dispatch in the Lambda sandbox from a cold start, the build where something is missing',
  run: async options => {
    const input = inputOf(options);
    const { roundTripMs, connectionRoundTrips } = options;
    const servers = await Servers.start({ input, roundTripMs, connectionRoundTrips, mirrored: true });
    try {
      options.say(`  input: ${describeInput(input)}`);
      const context = { servers, input, scenario: 'no-op', directory: options.directory, say: options.say };
      const sweep = options.regsync === undefined ? [] : REGSYNC_PARALLEL.map(parallel => regsync(options.regsync ?? '', parallel));
      const noOp = await compare('no-op', context, sweep, options);
      const oneNew = await compare('one-new', { ...context, scenario: 'one-new' }, noOp.best ? [noOp.best] : [], options, noOp);
      return {
        rows: [...noOp.rows, ...oneNew.rows], verdicts: [...noOp.verdicts, ...oneNew.verdicts], failures: [...noOp.failures, ...oneNew.failures],
      };
    } finally {
      await servers.close();
    }
  },
};

type Kind = 'no-op' | 'one-new';

interface Compared extends ScenarioResult {
  readonly best: Contestant | undefined;
  readonly skopeo: Row;
  readonly skopeoRun: Run;
}

/** @param noOp for the comparison that comes second */
async function compare(
  kind: Kind, context: RaceOptions, rivals: readonly Contestant[], options: BenchOptions, noOp?: Compared,
): Promise<Compared> {
  const { servers, input } = context;
  const { namespace } = servers.addresses;
  const runs = new Map<string, Run[]>();
  const add = (name: string, run: Run): void => { runs.set(name, [...runs.get(name) ?? [], run]); };
  // Every contestant gets a push of its own, in the one package that a sampled rival looks at.
  const push = async (): Promise<SyncMessage> => {
    if (kind === 'no-op') { return ORGANIZATION; }
    const { package: name, digest } = await servers.ask('publish', 0);
    return { kind: 'package', package: name, digest };
  };
  for (let round = 0; round < (options.quick ? 1 : 3); round++) {
    await push();
    add(OURS, await reconcile(ORGANIZATION, context, kind === 'no-op' ? 0 : 1));
    if (kind === 'one-new') { add(`${OURS}, by its event`, await reconcile(await push(), context, 1)); }
    // The others once: each run takes long.
    for (const rival of round === 0 ? rivals : []) {
      await push();
      add(rival.name, await runOnce(rival, context, input.packages, namespace));
    }
  }
  await push();
  const sampled = options.full ? input.packages : 1;
  const skopeoRun = await runOnce(skopeoSync, context, sampled, namespace);
  const sample = sampleOf(sampled, input.packages);
  // The one push is in the part that is measured: what it costs must not be scaled up, the rest is what the no-op took.
  const skopeo = sample && noOp ? withPush(noOp.skopeo, noOp.skopeoRun, skopeoRun, kind) : rowOf(kind, skopeoSync.name, [skopeoRun], sample);
  const rows = [...runs].map(([name, list]) => rowOf(kind, name, list));
  const secondsOf = ({ name }: Contestant): number => rows.find(({ contestant }) => contestant === name)?.seconds ?? Infinity;
  const best = fastest(rivals.map(rival => ({ rival, seconds: secondsOf(rival) })))?.rival;
  return {
    best,
    skopeo,
    skopeoRun,
    rows: [...rows, skopeo],
    verdicts: kind === 'no-op' ? verdictsOf(rows[0], skopeo, rows.find(({ contestant }) => contestant === best?.name)) : [],
    failures: [...runs].filter(([name]) => name.startsWith(OURS)).flatMap(([, list]) => list.flatMap(({ problems }) => problems)),
  };
}

/** The whole no-op as it was estimated, and what a part with a push in it took more than the same part without. */
function withPush(estimated: Row, without: Run, pushed: Run, scenario: Kind): Row {
  return {
    ...estimated,
    scenario,
    seconds: estimated.seconds + pushed.seconds - without.seconds,
    requests: (estimated.requests ?? 0) + requestsOf(pushed.traffic) - requestsOf(without.traffic),
    requestsBy: undefined,
    connections: (estimated.connections ?? 0) + pushed.traffic.connections - without.traffic.connections,
    readBytes: pushed.traffic.blobBytesRead,
    writtenBytes: pushed.traffic.blobBytesWritten,
  };
}

function verdictsOf(own: Row, skopeo: Row, rival: Row | undefined): Verdict[] {
  const verdicts = [
    atLeast('no-op', 'requests of skopeo sync : ours', skopeo.requests ?? 0, own.requests ?? 1, 20),
    atLeast('no-op', 'time of skopeo sync : ours', skopeo.seconds, own.seconds, 10),
  ];
  return rival ? [...verdicts, atLeast('no-op', `time of ${rival.contestant} (its best) : ours`, rival.seconds, own.seconds, 5)] : verdicts;
}

/** One message through the deployed mirror. */
async function reconcile(message: SyncMessage, { servers, input, scenario, say }: RaceOptions, builds: number): Promise<Run> {
  const { pid, namespace } = servers.addresses;
  await servers.ask('coolDown');
  forgetBlobs();
  await servers.ask('mark');
  const memory = new MemoryWatch(pid, false);
  const result = await servers.ask('reconcile', message);
  const peakBytes = memory.stop();
  const traffic = await servers.ask('traffic');
  const { compared, different } = await servers.ask('verify', { prefix: namespace, packages: input.packages });
  say(runLine(scenario, `${OURS} (${message.kind})`, result.seconds, traffic, { compared, different }));
  const started = result.builds === builds ? [] : [`${result.builds} builds were started, expected ${builds}`];
  return { seconds: result.seconds, peakBytes, traffic, problems: [...result.problems, ...started, ...different] };
}
