/** Rules of dependency-cruiser: imports run down, from a room to the rooms it is built on, and never in a circle. */

interface Rule {
  readonly name: string;
  readonly comment: string;
  readonly severity: 'error';
  readonly from: { readonly path?: string; readonly pathNot?: string };
  readonly to: {
    readonly path?: string;
    readonly pathNot?: string[];
    readonly circular?: true;
    readonly couldNotResolve?: true;
  };
}

/** The trees that hold code of ours; packages from npm are not the concern of these rules, but of `package.json`. */
export const TREES = ['src', 'lambda', 'cli', 'sandbox', 'test', 'bench', 'projenrc', 'examples', 'sample-app'];
const OURS = `^(${TREES.join('|')})/`;

/** All that a program knows of the library: nothing of it loads the CDK. */
const CONTRACT = ['^src/contract/', '^src/image-name\\.ts$'];
const LIBRARY = '^src/index\\.ts$';
const SYNC_PARTS = '^lambda/sync/(registry|skopeo|resilience)/';
/** `faults.ts` and `http-server.ts`, that every simulator is built on. */
const SANDBOX_BASE = '^sandbox/[^/]+\\.ts$';
/** The generator that runs after the build, on the mirrors that cfn-lint and cdk-nag look at, too. */
const GENERATOR_FROM_TEMPLATES = '^projenrc/permissions-table\\.ts$';
/** How a hosted registry is put in front of one that holds the content: ECR and GHCR both are. */
const HOSTED_REGISTRY = '^sandbox/registry/(front|digest|push-lag)\\.ts$';

/** Of all that matches `within`, files of `from` may import only `allowed`, where `$1` is the first group of `from`. */
function only(name: string, comment: string, from: Rule['from'], allowed: string[], within = OURS): Rule {
  return { name, comment, severity: 'error', from, to: { path: within, pathNot: allowed } };
}

const TREE_RULES: Rule[] = [
  only('src-stands-alone', 'The library is published without the other trees.', { path: '^src/' }, ['^src/']),
  only('contract-stands-alone', 'The programs bundle the contract: it must not bring the construct with it.',
    { path: CONTRACT.join('|') }, CONTRACT),
  only('programs-share-by-contract', 'A program imports itself, lambda/shared, src/contract and src/image-name.ts.',
    { path: '^lambda/([^/]+)/' }, ['^lambda/$1/', '^lambda/shared/', ...CONTRACT]),
  only('cli-imports-the-library', 'The command line is built on the library.', { path: '^cli/' }, ['^cli/', '^src/']),
  only('sandbox-knows-the-contract', 'The sandbox plays GitHub and AWS, which know no code of the mirror.',
    { path: '^sandbox/', pathNot: '^sandbox/world/synth\\.ts$' }, ['^sandbox/', '^src/contract/']),
  only('synth-imports-the-entry', 'The world deploys the mirror as a user does: through the public entry.',
    { path: '^sandbox/world/synth\\.ts$' }, ['^sandbox/', '^src/contract/', LIBRARY]),
  only('bench-imports-no-test', 'A benchmark runs the mirror in the sandbox.',
    { path: '^bench/' }, ['^bench/', '^sandbox/', '^src/', '^lambda/']),
  only('tooling-stands-alone', 'The build has to work before there is anything to import.',
    { path: '^\\.projenrc\\.ts$|^projenrc/', pathNot: GENERATOR_FROM_TEMPLATES }, ['^projenrc/']),
  only('generator-reads-templates', 'The table of permissions is generated from a synthesized mirror.',
    { path: GENERATOR_FROM_TEMPLATES }, ['^projenrc/', '^src/index', '^test/construct/variants']),
  only('examples-stand-alone', 'An example imports the library by its name.',
    { path: '^(examples|sample-app)/' }, ['^$1/']),
];

/** Within a tree. */
const ROOM_RULES: Rule[] = [
  only('sync-parts-know-no-sync', 'The rooms below a sync serve it, and must not know it.',
    { path: SYNC_PARTS }, [SYNC_PARTS], '^lambda/sync/'),
  only('sandbox-base-knows-no-room', 'Every simulator is built on these files.',
    { path: SANDBOX_BASE }, [SANDBOX_BASE], '^sandbox/'),
  only('sandbox-registry-stands-alone', 'A registry is built on nothing else.',
    { path: '^sandbox/registry/' }, ['^sandbox/registry/', SANDBOX_BASE], '^sandbox/'),
  only('sandbox-github-knows-no-aws', 'GitHub and AWS meet in sandbox/world.',
    { path: '^sandbox/github/' }, ['^sandbox/github/', SANDBOX_BASE, HOSTED_REGISTRY], '^sandbox/'),
  only('sandbox-aws-knows-no-github', 'GitHub and AWS meet in sandbox/world.',
    { path: '^sandbox/aws/' }, ['^sandbox/aws/', SANDBOX_BASE, HOSTED_REGISTRY], '^sandbox/'),
  only('sandbox-world-knows-no-demo', 'The demo is one use of the world.',
    { path: '^sandbox/world/' }, ['^sandbox/(?!demo/)'], '^sandbox/'),
];

/** Also the imports of types alone count: a reader follows them, too. */
export const IMPORT_RULES = {
  forbidden: [
    ...TREE_RULES,
    ...ROOM_RULES,
    {
      name: 'no-circle',
      comment: 'Take out what both files need, into a third.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolved',
      comment: 'An import that is not found escapes the other rules.',
      severity: 'error',
      from: {},
      to: { path: '^\\.', couldNotResolve: true },
    },
  ] satisfies Rule[],
  options: {
    doNotFollow: { path: '(^|/)node_modules/' },
    exclude: { path: '(^|/)(node_modules|cdk\\.out)/' },
    tsPreCompilationDeps: true,
  },
};
