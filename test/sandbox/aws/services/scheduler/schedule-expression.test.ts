import { parseSchedule } from '../../../../../sandbox/aws/services/scheduler/schedule-expression';

const CREATED = Date.UTC(2026, 0, 1, 0, 30);
const next = (expression: string, from: string): string =>
  new Date(parseSchedule(expression).next(Date.parse(from), CREATED)).toISOString();

test.each([
  ['rate(1 minute)', '2026-01-01T00:30:00Z', '2026-01-01T00:31:00.000Z'],
  ['rate(6 hours)', '2026-01-01T00:30:00Z', '2026-01-01T06:30:00.000Z'],
  ['rate(6 hours)', '2026-01-01T07:00:00Z', '2026-01-01T12:30:00.000Z'],
  ['rate(2 days)', '2026-01-01T07:00:00Z', '2026-01-03T00:30:00.000Z'],
  ['cron(0 3 * * ? *)', '2026-01-01T03:00:00Z', '2026-01-02T03:00:00.000Z'],
  ['cron(0/15 * * * ? *)', '2026-01-01T03:16:10Z', '2026-01-01T03:30:00.000Z'],
  ['cron(30 4 ? * MON-FRI *)', '2026-01-02T05:00:00Z', '2026-01-05T04:30:00.000Z'],
  ['cron(0 0 1 JAN ? *)', '2026-02-01T00:00:00Z', '2027-01-01T00:00:00.000Z'],
  ['cron(5,10 1 * * ? 2027)', '2026-02-01T00:00:00Z', '2027-01-01T01:05:00.000Z'],
])('%s after %s runs at %s', (expression, from, expected) => {
  expect(next(expression, from)).toBe(expected);
});

test.each([
  'rate(1 hours)', 'rate(2 hour)', 'rate(0 minutes)', 'every day', 'cron(0 3 * * * *)', 'cron(0 3 * * ?)',
  'cron(60 3 * * ? *)', 'cron(0 3 L * ? *)',
])('rejects %s', expression => {
  expect(() => parseSchedule(expression)).toThrow(`Invalid Schedule Expression ${expression}`);
});
