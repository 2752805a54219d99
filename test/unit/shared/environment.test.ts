import { readEnvironment } from '../../../lambda/shared/environment';

const NAMES = ['ORGANIZATION', 'REPOSITORY_PREFIX'] as const;

test('reads what was asked for and nothing else', () => {
  expect(readEnvironment(NAMES, { ORGANIZATION: 'my-org', REPOSITORY_PREFIX: 'x', PATH: '/bin' }))
    .toEqual({ ORGANIZATION: 'my-org', REPOSITORY_PREFIX: 'x' });
});

test('takes an empty value for a value: there may be no prefix', () => {
  expect(readEnvironment(NAMES, { ORGANIZATION: 'my-org', REPOSITORY_PREFIX: '' }).REPOSITORY_PREFIX).toBe('');
});

test('fails with every variable that is missing, and the fix', () => {
  expect(() => readEnvironment(NAMES, {})).toThrow(/Environment variables missing: ORGANIZATION, REPOSITORY_PREFIX\..*deploy the stack again/);
});
