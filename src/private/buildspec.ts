import { BuildSpec } from 'aws-cdk-lib/aws-codebuild';

/** Installs skopeo where the image lacks it. No managed image has it. */
const INSTALL_SKOPEO = `
if command -v skopeo >/dev/null; then
  :
elif command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends skopeo >/dev/null; } \\
    || { echo "skopeo could not be installed. Run: apt-get update && apt-get install -y skopeo - or use an image that has it."; exit 1; }
elif command -v dnf >/dev/null && [ "$(id -u)" = 0 ]; then
  { dnf install -y -q spal-release || true; dnf install -y -q skopeo; } \\
    || { echo "skopeo could not be installed. Run: dnf install -y spal-release skopeo - or use an image that has it."; exit 1; }
else
  echo "skopeo is missing and can't be installed here: it needs root and apt-get or dnf."
  echo "Run as root: apt-get install -y skopeo (Debian, Ubuntu), dnf install -y skopeo (Fedora, Amazon Linux) - or use an image that has it."
  exit 1
fi
skopeo --version`.trim();

const CHECK_NODE = `
command -v node >/dev/null || { echo "node is missing. The sync program needs Node.js 20 or newer: use a standard image, or add it to yours."; exit 1; }
node --version`.trim();

/**
 * The inline buildspec. The program is the project's source, a CDK asset in the account's own bucket: nothing that runs
 * here is fetched from a third party but the distribution's own package of skopeo.
 */
export function syncBuildSpec(): BuildSpec {
  return BuildSpec.fromObject({
    version: '0.2',
    env: { shell: 'bash' },
    phases: {
      install: { 'on-failure': 'ABORT', 'commands': [CHECK_NODE, INSTALL_SKOPEO] },
      build: { commands: ['node index.js'] },
    },
  });
}
