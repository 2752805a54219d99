import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WHY } from '../../projenrc/permission-reasons';
import { withTable } from '../../projenrc/permissions-table';

const readme = readFileSync(join(__dirname, '..', '..', 'README.md'), 'utf8');

test('the README\'s table has every permission of the template: '
  + 'run `npx projen permissions-table` after a change', () => {
  expect(withTable(readme)).toBe(readme);
});

test('fails for a permission without a reason', () => {
  const { 'codebuild:StartBuild': _, ...others } = WHY.DispatchFunction ?? {};
  jest.replaceProperty(WHY as Record<string, unknown>, 'DispatchFunction', others);
  expect(() => withTable(readme)).toThrow(
    'The role DispatchFunction may codebuild:StartBuild, expected a reason in projenrc/permission-reasons.ts',
  );
  jest.restoreAllMocks();
});

test('fails for a reason without a permission', () => {
  jest.replaceProperty(WHY as Record<string, unknown>, 'WebhookFunction', {
    ...WHY.WebhookFunction,
    'sqs:PurgeQueue': 'x',
  });
  expect(() => withTable(readme)).toThrow('reasons for WebhookFunction: sqs:PurgeQueue, which no role may');
  jest.restoreAllMocks();
});

test('fails for a README without the table\'s marks', () => {
  expect(() => withTable('# cdk-ghcr2ecr')).toThrow(/README\.md lacks the marks/);
});
