import { BuildSpec } from 'aws-cdk-lib/aws-codebuild';

const CHECK_NODE = `
if ! command -v node >/dev/null; then
  echo "node is missing. The sync program needs Node.js 20 or newer: use a standard image, or add it to yours."
  exit 1
fi
node --version`.trim();

/**
 * The inline buildspec. The program is the project's source, a CDK asset in the account's own bucket: nothing is fetched from a third
 * party, unless an image turns up that only skopeo can copy.
 */
export function syncBuildSpec(): BuildSpec {
  return BuildSpec.fromObject({
    version: '0.2',
    env: { shell: 'bash' },
    phases: {
      install: { 'on-failure': 'ABORT', 'commands': [CHECK_NODE] },
      build: { commands: ['node index.js'] },
    },
  });
}
