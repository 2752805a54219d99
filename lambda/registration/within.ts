/** The time for some work is over. */
export class OutOfTime extends Error {
  public override readonly name = 'OutOfTime';
}

/**
 * Ends work that takes too long while there is time left to clean up: Lambda would end it without a word, and what
 * it had begun would stay. What waits for GitHub's rate limits does not look at the signal, so the work is left
 * behind as well as told to stop.
 */
export async function within<T>(ms: number, problem: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new OutOfTime(problem);
      reject(error);
      controller.abort(error);
    }, Math.max(0, ms));
  });
  try {
    return await Promise.race([work(controller.signal), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
