/**
 * Shell script that installs skopeo when the build image lacks it, and prints its version. No managed image of
 * CodeBuild has it. The buildspec runs it for the engine SKOPEO, and the sync itself when a fallback needs skopeo.
 */
export const INSTALL_SKOPEO = `
failed() {
  echo "skopeo could not be installed. Run: $1 - or use an image that has it." >&2
  exit 1
}
if command -v skopeo >/dev/null; then
  :
elif command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends skopeo >/dev/null; } \\
    || failed "apt-get update && apt-get install -y skopeo"
elif command -v dnf >/dev/null && [ "$(id -u)" = 0 ]; then
  { dnf install -y -q spal-release || true; dnf install -y -q skopeo; } \\
    || failed "dnf install -y spal-release skopeo"
else
  echo "skopeo is missing and can't be installed here: it needs root and apt-get or dnf. Use an image that has it." >&2
  exit 1
fi
skopeo --version`.trim();
