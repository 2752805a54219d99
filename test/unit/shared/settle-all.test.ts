import { settleAll } from '../../../lambda/shared/settle-all';

test('gives the results in order', async () => {
  expect(await settleAll([Promise.resolve(1), 2, Promise.resolve(3)])).toEqual([1, 2, 3]);
});

test('fails with the first failure in the order given, after all have ended', async () => {
  let ended = false;
  const slow = new Promise<void>(resolve => {
    setTimeout(resolve, 20);
  }).then(() => { ended = true; throw new Error('first'); });
  await expect(settleAll([slow, Promise.reject(new Error('second'))])).rejects.toThrow('first');
  expect(ended).toBe(true);
});
