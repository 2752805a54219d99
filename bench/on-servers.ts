import { describeInput, InputShape } from './inputs';
import type { Race } from './race';
import { BenchOptions, ScenarioResult, together } from './result';
import type { ServerOptions } from './servers/protocol';
import { Servers } from './servers/servers';

/** Runs a comparison on one set of servers, at each distance in turn. */
export async function onServers(
  scenario: string, server: ServerOptions, options: BenchOptions, compare: (race: Race) => Promise<ScenarioResult>,
): Promise<ScenarioResult> {
  const { distances, connectionRoundTrips, directory, say } = options;
  const input: InputShape = server.input;
  const servers = await Servers.start(server);
  try {
    say(`  input: ${describeInput(input)}`);
    const results: ScenarioResult[] = [];
    for (const roundTripMs of distances) {
      await servers.ask('moveTo', { roundTripMs, connectionRoundTrips });
      results.push(await compare({ servers, input, scenario, roundTripMs, directory, say }));
    }
    return together(results);
  } finally {
    await servers.close();
  }
}
