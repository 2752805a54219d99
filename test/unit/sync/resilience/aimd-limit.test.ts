import { AimdLimit } from '../../../../lambda/sync/resilience/aimd-limit';

describe('AimdLimit', () => {
  /** Work that ends when the test says. */
  function gate(): { readonly done: Promise<void>; readonly open: () => void } {
    let open = (): void => undefined;
    const done = new Promise<void>(resolve => { open = resolve; });
    return { done, open };
  }

  test('runs everything, and never more than allowed', async () => {
    const limit = new AimdLimit(2, 4);
    let running = 0;
    const work = async (): Promise<number> => {
      running++;
      expect(running).toBeLessThanOrEqual(limit.limit);
      await new Promise(setImmediate);
      return running--;
    };
    expect(await Promise.all(Array.from({ length: 30 }, () => limit.run(work)))).toHaveLength(30);
    expect(limit.limit).toBe(4);
  });

  test('halves when a registry asks to slow down, and never stops', () => {
    const limit = new AimdLimit(8, 16);
    const limits = Array.from({ length: 5 }, () => {
      limit.slowDown();
      return limit.limit;
    });
    expect(limits).toEqual([4, 2, 1, 1, 1]);
  });

  test('halves once for all that was under way', () => {
    const limit = new AimdLimit(8, 16);
    const { epoch } = limit;
    [1, 2, 3].forEach(() => limit.slowDown(epoch));
    expect(limit.limit).toBe(4);
  });

  test('gives the place of failed work to the next', async () => {
    const limit = new AimdLimit(1, 1);
    const { done, open } = gate();
    const failing = limit.run(async () => {
      await done;
      throw new Error('failed');
    });
    const next = limit.run(() => Promise.resolve('next'));
    open();
    await expect(failing).rejects.toThrow('failed');
    expect(await next).toBe('next');
  });
});
