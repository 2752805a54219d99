import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..', '..');
const json = (file: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(root, file), 'utf8')) as Record<string, unknown>;

// As `cdk init` gives them to every new app; they change with the aws-cdk-lib that we build with.
test('the sample app starts with the feature flags that CDK recommends', () => {
  expect(json('sample-app/typescript/cdk.json').context)
    .toEqual(json('node_modules/aws-cdk-lib/recommended-feature-flags.json'));
});
