import { retryDelay } from '../../../lambda/dispatch/queue';

test.each([[1, 10], [2, 20], [3, 40], [4, 80], [7, 640], [8, 900], [50, 900], [5_000, 900], [0, 10]])('after receive %i it is %i s', (receives, seconds) => {
  expect(retryDelay(receives)).toBe(seconds);
});
