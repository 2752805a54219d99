import { awscdk, github, javascript } from 'projen';
import { HardenedWorkflows } from './hardened-workflows';

const RUNNER = ['ubuntu-24.04'];

/** What the tests run for real; on GitHub's runners they can't install it themselves, for they aren't root there. */
const SYSTEM_PACKAGES: github.workflows.JobStep = {
  name: 'Install what the tests run for real',
  run: 'sudo .ci/system-packages',
};

/** What packs the library for each language: one job builds all packages, and those that publish build nothing. */
const PACKAGERS: github.workflows.JobStep[] = [
  { uses: github.ActionRefs.ACTIONS_SETUP_JAVA, with: { 'distribution': 'corretto', 'java-version': '17' } },
  { uses: github.ActionRefs.ACTIONS_SETUP_PYTHON, with: { 'python-version': '3.12' } },
  { uses: github.ActionRefs.ACTIONS_SETUP_DOTNET, with: { 'dotnet-version': '6.x', 'cache': false } },
  { uses: github.ActionRefs.ACTIONS_SETUP_GO, with: { 'go-version': 'stable', 'cache': false } },
];

/** Trusted publishing wherever a registry has it: the workflow proves who it is, and there is no token to leak. */
export const PUBLISHING = {
  github: true,
  githubOptions: {
    mergify: false,
    workflowRunsOn: RUNNER,
    projenCredentials: github.GithubCredentials.fromApp(),
    pullRequestLintOptions: {
      semanticTitleOptions: {
        types: ['feat', 'fix', 'docs', 'perf', 'refactor', 'test', 'build', 'ci', 'chore', 'revert'],
      },
    },
  },
  workflowRunsOn: RUNNER,
  // Trusted publishers are bound to this environment, and a maintainer can demand a review for it.
  releaseEnvironment: 'release',
  pullRequestTemplateContents: [
    '<!-- The title becomes the commit and decides the version: "fix: ...", "feat: ...", "feat!: '
      + '..." for a breaking change. -->',
    '',
    'What a user of the mirror gets from this, and how it was tried:',
    '',
    '- [ ] `npm test` passes; a test fails without the change',
    '- [ ] README and API docs say what has changed for a user',
    '- [ ] no new permission, or the reason for it is here',
    '',
    'Fixes #',
  ],

  releaseToNpm: true,
  npmTrustedPublishing: true,
  npmProvenance: true,
  publishToPypi: { distName: 'cdk-ghcr2ecr', module: 'cdk_ghcr2ecr', trustedPublishing: true, attestations: true },
  publishToMaven: {
    javaPackage: 'io.github.cdkghcr2ecr',
    mavenGroupId: 'io.github.cdk-ghcr2ecr',
    mavenArtifactId: 'cdk-ghcr2ecr',
    mavenServerId: 'central-ossrh',
  },
  publishToNuget: { dotNetNamespace: 'CdkGhcr2Ecr', packageId: 'CdkGhcr2Ecr', trustedPublishing: true },
  publishToGo: {
    moduleName: 'github.com/cdk-ghcr2ecr/cdk-ghcr2ecr-go',
    packageName: 'cdkghcr2ecr',
    // A deploy key opens the one repository it is for; a token would open every repository of its owner.
    githubUseSsh: true,
    githubDeployKeySecret: 'GO_DEPLOY_KEY',
  },

  releaseWorkflowSetupSteps: [...PACKAGERS, SYSTEM_PACKAGES],
  postBuildSteps: [{ name: 'Try the package that gets published', run: '.ci/consumer dist/js/*.tgz' }],
  buildWorkflowOptions: {
    mutableBuild: false,
    preBuildSteps: [SYSTEM_PACKAGES],
    permissions: { contents: github.workflows.JobPermission.READ },
  },
  depsUpgradeOptions: {
    // Compromised releases are mostly noticed and withdrawn within days.
    cooldown: 7,
    workflowOptions: { labels: ['dependencies'], schedule: javascript.UpgradeDependenciesSchedule.WEEKLY },
  },
} satisfies Partial<awscdk.AwsCdkConstructLibraryOptions>;

/** What projen's options can't say about packages, checks and the release. */
export function addRelease(project: awscdk.AwsCdkConstructLibrary): void {
  addPackaging(project);
  addChecks(project);
  addCheckWorkflow(project);
  // It pushes nothing: the tag is made with the release on GitHub, in a job of its own.
  project.tryFindObjectFile('.github/workflows/release.yml')!.addOverride('jobs.release.permissions.contents', 'read');
  new HardenedWorkflows(project);
}

/**
 * jsii-pacmak writes the versions of indirect dependencies that are installed here into the Go module. The oldest that
 * our aws-cdk-lib accepts ask least of its users.
 */
const OLDEST_INDIRECT = ['@aws-cdk/asset-node-proxy-agent-v6@2.1.0', '@aws-cdk/cloud-assembly-schema@48.6.0'];

/**
 * `package:all` needs what this machine is likely to have. The release workflow also compiles .NET (`package:dotnet`).
 */
function addPackaging(project: awscdk.AwsCdkConstructLibrary): void {
  const all = project.addTask('package:all', {
    description: 'Build the packages for npm, PyPI, Maven and Go, and generate the code of the one for NuGet',
  });
  project.package.addPackageResolutions(...OLDEST_INDIRECT);
  all.spawn(project.bundler.bundleTask);
  all.spawn(project.compileTask);
  for (const language of ['js', 'python', 'java', 'go']) { all.spawn(project.tasks.tryFind(`package:${language}`)!); }
  all.exec('jsii-pacmak -v --code-only --target dotnet');
  packageReleases(project);
}

/**
 * In a release, all packages and the list of what is in them are made by one job, while the version is in package.json.
 */
function packageReleases(project: awscdk.AwsCdkConstructLibrary): void {
  const pullRequest = 'node -e "process.exit(process.env.CI && !process.env.RELEASE ? 0 : 1)"';
  const otherwise = 'node -e "process.exit(process.env.CI && !process.env.RELEASE ? 1 : 0)"';
  const sbom = project.addTask('sbom', {
    description: 'Write dist/sbom: for each program, a CycloneDX list of what is bundled into it',
    exec: '.ci/sbom dist/sbom',
  });
  project.packageTask.reset();
  project.packageTask.spawn(project.tasks.tryFind('package:js')!, { condition: pullRequest });
  project.packageTask.spawn(project.tasks.tryFind('package-all')!, { condition: otherwise });
  project.packageTask.spawn(sbom, { condition: otherwise });
}

function addChecks(project: awscdk.AwsCdkConstructLibrary): void {
  project.addTask('test:bindings', {
    description: 'Synthesize the same mirror in TypeScript, Python, Java and Go, from the built packages, and compare',
    exec: '.ci/bindings',
  });
  project.addTask('permissions-table', {
    description: 'Write the README\'s table of permissions from the synthesized template',
    exec: 'tsx projenrc/permissions-table.ts',
  });
  // jsii-diff needs a published version to compare with; projen's task fails without one.
  project.tasks.tryFind('compat')!.reset('tsx projenrc/compat.ts', { receiveArgs: true });
}

/** Runs `.ci/run` as a contributor does, on each supported Node.js. */
function addCheckWorkflow(project: awscdk.AwsCdkConstructLibrary): void {
  const workflow = project.github!.addWorkflow('check');
  workflow.on({ pullRequest: {}, push: { branches: ['main'] }, workflowDispatch: {} });
  workflow.addJob('check', {
    name: 'Node.js ${{ matrix.node }}',
    runsOn: RUNNER,
    permissions: { contents: github.workflows.JobPermission.READ },
    strategy: { failFast: false, matrix: { domain: { node: ['20', '22', '24'] } } },
    steps: [
      { uses: github.ActionRefs.ACTIONS_CHECKOUT, with: { 'persist-credentials': false } },
      { uses: github.ActionRefs.ACTIONS_SETUP_NODE, with: { 'node-version': '${{ matrix.node }}' } },
      { uses: github.ActionRefs.ACTIONS_SETUP_PYTHON, with: { 'python-version': '3.x' } },
      { uses: github.ActionRefs.ACTIONS_SETUP_JAVA, with: { 'distribution': 'corretto', 'java-version': '17' } },
      { uses: github.ActionRefs.ACTIONS_SETUP_GO, with: { 'go-version': 'stable', 'cache': false } },
      SYSTEM_PACKAGES,
      { name: 'Everything that must hold', run: '.ci/run' },
    ],
  });
}
