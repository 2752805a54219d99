import { existsSync } from 'node:fs';
import { awscdk, javascript, JsonFile, typescript } from 'projen';
import { IMPORT_RULES, TREES } from './projenrc/import-rules';
import { addRelease, PUBLISHING } from './projenrc/release';

/** Runtime programs: one folder below lambda/ each, bundled to assets/lambda/<name>/index.js. */
const PROGRAMS = ['webhook', 'dispatch', 'sync', 'registration'];

/** Bundled into the programs, so development dependencies of the library: users install none of them. */
const BUNDLED = [
  '@aws-lambda-powertools/logger',
  '@aws-sdk/client-codebuild',
  '@aws-sdk/client-ecr',
  '@aws-sdk/client-secrets-manager',
  '@aws-sdk/client-sqs',
  '@aws-sdk/credential-provider-env',
  '@octokit/core',
  '@octokit/plugin-paginate-rest',
  '@octokit/plugin-retry',
  '@octokit/plugin-throttling',
  '@octokit/request-error',
  'p-limit',
];

const project = new awscdk.AwsCdkConstructLibrary({
  name: 'cdk-ghcr2ecr',
  description: 'Mirror every container image of a GitHub organization from GHCR into your private ECR, '
    + 'within seconds of the push',
  author: 'cdk-ghcr2ecr maintainers',
  authorAddress: 'maintainers@users.noreply.github.com',
  authorOrganization: true,
  repositoryUrl: 'https://github.com/cdk-ghcr2ecr/cdk-ghcr2ecr.git',
  license: 'Apache-2.0',
  keywords: ['aws', 'cdk', 'aws-cdk', 'ecr', 'ghcr', 'github', 'container', 'registry', 'mirror', 'skopeo'],
  defaultReleaseBranch: 'main',
  projenrcTs: true,
  projenrcTsOptions: { runner: typescript.TypeScriptRunner.tsx() },
  packageManager: javascript.NodePackageManager.NPM,
  minNodeVersion: '20.20.0',
  workflowNodeVersion: '24',

  // The oldest that the mirror works with, see docs/adr/0006-lowest-aws-cdk-lib.md:
  // .ci/compatibility tries it and the newest.
  cdkVersion: '2.224.0',
  constructsVersion: '10.0.5',
  jsiiVersion: '~6.0.16',
  typescriptVersion: '~6.0.3',

  ...PUBLISHING,
  docgen: true,
  sampleCode: false,
  eslintOptions: { dirs: ['src'], devdirs: ['lambda', 'sandbox', 'test', 'bench', 'examples', 'sample-app'] },
  jestOptions: {
    configFilePath: 'jest.config.json',
    jestVersion: '^30',
  },
  devDeps: [
    ...BUNDLED,
    '@jridgewell/sourcemap-codec',
    // GitHub's own implementation of signatures: the tests hold ours against it.
    '@octokit/webhooks-methods',
    // Exactly: later releases were published without the binaries of some platforms, and
    // then `npm ci` fails everywhere.
    '@swc/core@1.16.18',
    '@swc/jest',
    // What Lambda's runtime brings, and CDK's provider framework takes from there: for the local cloud.
    '@aws-sdk/client-lambda',
    '@aws-sdk/client-sfn',
    '@types/aws-lambda',
    // As Octokit's throttling plugin has it: tests space writes with a limiter of their own.
    'bottleneck@^2.15.3',
    // The last major version that runs on Node.js 20.
    'dependency-cruiser@^17',
    'fast-check',
    'tsx',
    'yaml',
  ],
  gitignore: ['cdk.out/', '/.demo/'],
});

// ---------------------------------------------------------------------------------------------- toolchain

// swc instead of ts-jest: types are checked once for all trees by `npm run typecheck`, not file by file in every
// worker, and packages that are published as ES modules only (Octokit) can be loaded.

const ES_MODULES = [
  '@octokit', 'universal-user-agent', 'before-after-hook', 'universal-github-app-jwt', 'toad-cache', 'content-type',
  'p-limit', 'yocto-queue', 'bottleneck', 'fast-content-type-parse', 'json-with-bigint',
];
project.jest!.config.preset = undefined;
project.jest!.config.transform = {
  '\\.[cm]?[jt]sx?$': [
    '@swc/jest',
    { jsc: { target: 'es2022', parser: { syntax: 'typescript', decorators: true } }, module: { type: 'commonjs' } },
  ],
};
project.jest!.config.transformIgnorePatterns = [
  `/node_modules/(?!(${ES_MODULES.join('|')})/)`,
];
// Exports an `import` condition only, which jest's resolver of CommonJS doesn't know.
project.jest!.config.moduleNameMapper = {
  '^@octokit/webhooks-methods$': '<rootDir>/node_modules/@octokit/webhooks-methods/dist-node/index.js',
};
project.jest!.config.testMatch = ['<rootDir>/test/**/*.test.ts'];
project.jest!.config.globalSetup = '<rootDir>/test/setup/bundle-when-needed.ts';
project.jest!.config.collectCoverage = false;
// The end-to-end tests mostly wait, so that no core has to be left free. No test asserts a time,
// and a busy machine takes longer.
project.jest!.config.maxWorkers = '100%';
project.jest!.config.testTimeout = 30_000;
project.jest!.config.watchPathIgnorePatterns = ['/node_modules/'];

// jsii compiles src/ alone. The other trees are type-checked the way esbuild and tsx resolve modules; each tree has a
// tsconfig.json of its own because editors and eslint look for the nearest one.
new JsonFile(project, 'tsconfig.check.json', {
  obj: {
    extends: './tsconfig.json',
    compilerOptions: {
      rootDir: '.',
      module: 'preserve',
      moduleResolution: 'bundler',
      lib: ['es2023'],
      noEmit: true,
      declaration: false,
      isolatedModules: true,
    },
    include: ['src/**/*.ts', 'lambda/**/*.ts', 'sandbox/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts', '.projenrc.ts'],
  },
});
for (const tree of ['lambda', 'sandbox', 'bench']) {
  new JsonFile(project, `${tree}/tsconfig.json`, { obj: { extends: '../tsconfig.check.json', include: ['**/*.ts'] } });
}
const testConfig = project.tryFindObjectFile('test/tsconfig.json')!;
testConfig.addOverride('extends', '../tsconfig.check.json');
const typecheck = project.addTask('typecheck', {
  description: 'Type-check src, lambda, sandbox, test and bench',
  exec: 'tsc --project tsconfig.check.json',
});

// One test command for a person and for CI: build what the tests run, test, lint, check types and generated files.
project.testTask.reset();
project.testTask.exec('.ci/system-packages');
project.testTask.spawn(project.bundler.bundleTask);
project.testTask.spawn(project.compileTask);
project.testTask.exec('jest', { receiveArgs: true });
project.testTask.spawn(project.tasks.tryFind('eslint')!);
project.testTask.spawn(typecheck);
project.testTask.exec('tsx projenrc/check-generated.ts');

// The tests that a change needs while it is being written: loopback alone, and under a minute.
project.addTask('test:unit', {
  description: 'Run the fast tests; bundles the programs when they have changed',
  steps: [
    { exec: '.ci/system-packages openssl' },
    { exec: 'jest test/unit test/construct test/package test/sandbox/github test/sandbox/aws/core', receiveArgs: true },
  ],
});

project.addTask('demo', {
  description: 'Run the mirror in the local cloud: a small organization, its first sync, '
    + 'live pushes (--serve, --json FILE)',
  steps: [
    { exec: '.ci/system-packages unzip' },
    { spawn: project.bundler.bundleTask.name },
    { exec: 'tsx sandbox/demo/demo.ts', receiveArgs: true },
  ],
});

project.addTask('flood', {
  description: 'Send 5,000 signed and 1,000 forged deliveries at once, and see each signed one arrive or healed',
  exec: 'jest test/e2e/flood',
  env: { FLOOD: 'full' },
});

project.addTask('bench', {
  description: 'Measure the mirror against its rivals in one run (--json FILE, --only NAME, --quick)',
  steps: [
    { exec: '.ci/system-packages skopeo unzip' },
    { spawn: project.bundler.bundleTask.name },
    { exec: 'tsx bench/bench.ts', receiveArgs: true },
  ],
});

project.addTask('size', {
  description: 'Simulate large organizations, outages and first fills over the real dispatch, '
    + 'in full, and print the figures',
  env: { SIZE: 'full' },
  exec: 'jest test/unit/dispatch/size.simulation.test.ts',
});

project.addTask('fuzz', {
  description: 'Drive everything that reads a stranger\'s bytes with a million of random cases '
    + '(--cases N, --seed N, --only TARGET)',
  exec: 'tsx test/fuzz/fuzz.ts',
  receiveArgs: true,
});

// As with swc: 1.13.0 lacks the binaries of some platforms. eslint's and jest's resolvers bring it.
project.package.addPackageResolutions('unrs-resolver@1.12.2');

// Keep download addresses out of the lockfile: a clone installs through whatever registry its user has configured.
new javascript.NpmConfig(project).addConfig('omit-lockfile-registry-resolved', 'true');

// ---------------------------------------------------------------------------------------------- runtime programs

const bundler = project.bundler;
for (const program of PROGRAMS) {
  bundler.addBundle(`lambda/${program}/main.ts`, {
    platform: 'node',
    target: 'node20',
    outfile: '../index.js',
    minify: true,
    sourcemap: true,
    esbuildArgs: {
      '--sources-content': false,
      // For THIRD-PARTY-NOTICES.
      '--metafile': `.metafiles/${program}.json`,
      // The ES modules of the AWS SDK can be tree-shaken, its CommonJS can't: a third less.
      '--main-fields': 'module,main',
      ...(program === 'sync' ? {} : {
        '--alias:@aws-sdk/credential-provider-node': './lambda/shared/lambda-credentials.ts',
      }),
    },
    tsconfigPath: 'tsconfig.check.json',
    watchTask: false,
  });
}

bundler.bundleTask.exec('tsx projenrc/own-source-maps.ts '
  + `${PROGRAMS.map(program => `assets/lambda/${program}/index.js.map`).join(' ')}`);
bundler.bundleTask.exec('tsx projenrc/third-party-notice.ts');
project.gitignore.exclude('/.metafiles/', '/THIRD-PARTY-NOTICES');

project.addPackageIgnore('/.metafiles/');
project.addPackageIgnore('/lambda/');
project.addPackageIgnore('/sandbox/');
project.addPackageIgnore('/bench/');
project.addPackageIgnore('/.ci/');
project.addPackageIgnore('/cdk.out/');
project.addPackageIgnore('/docs/');
project.addPackageIgnore('/tsconfig.check.json');
project.addPackageIgnore('/.demo/');
project.addPackageIgnore('/examples/');

project.eslint!.addRules({
  '@typescript-eslint/no-explicit-any': 'error',
  '@typescript-eslint/no-non-null-assertion': 'error',
  '@stylistic/max-len': ['error', { code: 120, ignoreUrls: true, ignoreRegExpLiterals: true }],
});
// projen's optional parts, which the options above ask for.
project.eslint!.addOverride({
  files: ['.projenrc.ts', 'projenrc/**'],
  rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
});
// They import the library by its name, which exists in an app alone: .ci/bindings and
// .ci/sample-app compile them there.
project.eslint!.addOverride({
  files: ['examples/**', 'sample-app/**'],
  rules: {
    'import/no-unresolved': 'off',
    'import/no-extraneous-dependencies': 'off',
    '@typescript-eslint/no-floating-promises': 'off',
  },
});

// ---------------------------------------------------------------------------------------------- direction of imports

new JsonFile(project, '.dependency-cruiser.json', { obj: IMPORT_RULES, marker: false });
const imports = project.addTask('imports', {
  description: 'Fail on an import against the direction of the trees and rooms, and on a circle',
  exec: `depcruise --config .dependency-cruiser.json .projenrc.ts ${TREES.filter(tree => existsSync(tree)).join(' ')}`,
});
project.tasks.tryFind('eslint')!.spawn(imports);
project.addPackageIgnore('/.dependency-cruiser.json');

addRelease(project);

project.synth();
