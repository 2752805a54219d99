import { deadlineOf, startOfBuild } from '../../../lambda/sync/build-deadline';

const MINUTE = 60_000;

test.each([[5, 1.5, 3.5], [15, 10.5, 12.5], [60, 49, 55], [480, 427, 475]])(
  'a build of %d minutes starts copies until %d, and ends them at %d', (timeout, stopStarting, stop) => {
    expect(deadlineOf(1_000, timeout))
      .toEqual({ stopStarting: 1_000 + stopStarting * MINUTE, stop: 1_000 + stop * MINUTE });
  });

test('a build starts with its first command, and not when it was queued', () => {
  const environment = { BUILD_START_SECONDS: '1700000000', CODEBUILD_START_TIME: '1600000000000' };
  expect(startOfBuild(environment, 1_800_000_000_000)).toBe(1_700_000_000_000);
});

test.each([undefined, '', 'soon'])('outside of a build (%s) it starts now', value => {
  expect(startOfBuild({ BUILD_START_SECONDS: value }, 5_000)).toBe(5_000);
});
