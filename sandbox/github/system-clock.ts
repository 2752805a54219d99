import { setTimeout as delay } from 'node:timers/promises';
import type { GitHubClock } from './options';

/** Time as it is. */
export const systemClock: GitHubClock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    if (ms <= 0 || signal?.aborted) { return; }
    try {
      await delay(ms, undefined, { signal });
    } catch (error) {
      // Waking early is what the signal is for. By name: under jest, Node's errors are not
      // instances of the sandbox's Error.
      if ((error as { readonly name?: unknown }).name !== 'AbortError') { throw error; }
    }
  },
};
