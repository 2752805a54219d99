import { describeInput, InputShape } from './inputs';
import { Run, runOnce } from './race';
import type { BenchOptions } from './result';
import { ours } from './rivals/ours';
import { regsync } from './rivals/regsync';
import { Servers } from './servers/servers';

export interface OwnServersRuns {
  readonly input: InputShape;
  readonly own: readonly Run[];
  /** Empty without regsync. */
  readonly rival: readonly Run[];
}

/** Fresh copies of an input that needs servers of its own: three of ours, and one of regsync at its most parallel after the first. */
export async function runOnOwnServers(scenario: string, input: InputShape, options: BenchOptions): Promise<OwnServersRuns> {
  const { roundTripMs, connectionRoundTrips, directory, say, quick } = options;
  const servers = await Servers.start({ input, roundTripMs, connectionRoundTrips, mirrored: false });
  try {
    say(`  input: ${describeInput(input)}`);
    const context = { servers, input, scenario, directory, say };
    const own = [await runOnce(ours, context)];
    const rival = options.regsync === undefined ? [] : [await runOnce(regsync(options.regsync, 16), context)];
    for (let round = 1; round < (quick ? 1 : 3); round++) { own.push(await runOnce(ours, context)); }
    return { input, own, rival };
  } finally {
    await servers.close();
  }
}
