/**
 * Waits until all have ended, then throws the first failure in the order given. Unlike `Promise.all`, it leaves no work
 * running behind the caller's back.
 */
export async function settleAll<T>(work: Iterable<T | PromiseLike<T>>): Promise<Awaited<T>[]> {
  const settled = await Promise.allSettled(work);
  return settled.map(result => {
    if (result.status === 'rejected') { throw result.reason; }
    return result.value;
  });
}
