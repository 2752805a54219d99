import { Race, Run } from './race';
import type { Row } from './result';
import type { Contestant, Entry } from './rivals/contestant';
import { rowOf } from './row';

/** Runs one setting of one program. @param limitSeconds when to give it up */
export type Start = (contestant: Contestant, entry: Entry, limitSeconds?: number) => Promise<Run>;

/** How one setting fared in the first round. */
interface Tried {
  readonly contestant: Contestant;
  readonly run: Run;
}

/** A program in its fastest setting. */
export interface Standing {
  readonly entry: Entry;
  readonly best: Contestant;
  readonly runs: readonly Run[];
  /** What the other settings took. */
  readonly swept?: string;
}

/**
 * Programs against each other. In a first round each setting of each program is run once, and is given up as soon as it
 * has taken longer than the best one of the same program; then the best ones are run as often as ours, in turn, so that
 * whatever else the machine does hits all of them.
 */
export async function contest(entries: readonly Entry[], rounds: number, start: Start): Promise<Standing[]> {
  const standings: Standing[] = [];
  for (const entry of entries) { standings.push(await sweep(entry, start)); }
  for (let round = 1; round < rounds; round++) {
    for (const [at, standing] of standings.entries()) {
      standings[at] = { ...standing, runs: [...standing.runs, await start(standing.best, standing.entry)] };
    }
  }
  return standings;
}

async function sweep(entry: Entry, start: Start): Promise<Standing> {
  const tried: Tried[] = [];
  for (const contestant of entry.settings) {
    const limit = fastestOf(tried)?.run.seconds;
    tried.push({ contestant, run: await start(contestant, entry, limit) });
  }
  const best = fastestOf(tried) ?? tried[0];
  const others = tried.filter(each => each !== best).map(sweptText);
  return { entry, best: best.contestant, runs: [best.run], ...(others.length > 0 && { swept: others.join('; ') }) };
}

/** undefined when none has copied everything. */
function fastestOf(tried: readonly Tried[]): Tried | undefined {
  return tried.filter(({
    run,
  }) => run.stopped !== true && run.problems.length === 0).sort((a, b) => a.run.seconds - b.run.seconds)[0];
}

function sweptText({ contestant: { setting }, run: { seconds, stopped, problems } }: Tried): string {
  const failed = problems.length > 0 ? ', and not everything copied' : '';
  return `${setting}: ${stopped === true ? 'over ' : ''}${seconds.toFixed(1)} s${failed}`;
}

export function rowsOf({ scenario, roundTripMs }: Race, standings: readonly Standing[]): Row[] {
  return standings.map(({ entry, best, runs, swept }) => ({
    ...rowOf(scenario, entry.name, runs),
    roundTripMs,
    tool: entry.tool,
    ...(best.setting !== '' && { setting: best.setting }),
    ...(swept !== undefined && { swept }),
  }));
}

/** What went wrong with our own programs: a rival's failures are a note in its row. */
export function failuresOf(standings: readonly Standing[]): string[] {
  return standings.filter(({ entry: { tool } }) => tool === 'DIRECT' || tool === 'SKOPEO')
    .flatMap(({ entry, runs }) => runs.flatMap(({ problems }) => problems.map(problem => `${entry.name}: ${problem}`)));
}
