import { deadlineOf } from '../../../lambda/sync/build-deadline';

describe('deadlineOf', () => {
  const MINUTE = 60_000;

  test.each([[5, 2, 4], [60, 53, 59], [480, 431, 479]])('of a build of %i minutes: starts copies until %i, ends them at %i', (timeout, stopStarting, stop) => {
    expect(deadlineOf(1_000, timeout)).toEqual({ stopStarting: 1_000 + stopStarting * MINUTE, stop: 1_000 + stop * MINUTE });
  });
});
