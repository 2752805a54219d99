import type { Answer, Call, Operation } from './protocol';
import { Site } from './site';

/** The process of the servers: obeys its parent, and ends with it. */
const site = new Site();

async function answer({ id, operation, argument }: Call): Promise<Answer> {
  try {
    const perform = site[operation].bind(site) as (value: typeof argument) => Promise<unknown>;
    return { id, result: await perform(argument) };
  } catch (error) {
    return { id, error: error instanceof Error ? error.stack ?? error.message : String(error) };
  }
}

process.on('message', (call: Call<Operation>) => {
  void answer(call).then(message => process.send?.(message));
});
process.on('disconnect', () => {
  void site.close().finally(() => process.exit());
});
