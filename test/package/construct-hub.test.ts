import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..', '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

interface Manifest {
  readonly name: string;
  readonly license: string;
  readonly description: string;
  readonly stability: string;
  readonly keywords: readonly string[];
  readonly main: string;
  readonly types: string;
  readonly private?: boolean;
  readonly author: { readonly name: string };
  readonly repository: { readonly type: string; readonly url: string };
  readonly peerDependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
  readonly dependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
  readonly bundledDependencies?: readonly string[];
  readonly jsii: { readonly targets: Record<string, Record<string, unknown>> };
}

const manifest = JSON.parse(read('package.json')) as Manifest;

// https://constructs.dev/contribute: a jsii module on npm, with a permissive license and a keyword of its kind.
describe('Construct Hub takes the package', () => {
  test('as a jsii module', () => {
    expect(manifest.jsii.targets).toEqual({
      java: {
        package: 'io.github.cdkghcr2ecr',
        maven: { groupId: 'io.github.cdk-ghcr2ecr', artifactId: 'cdk-ghcr2ecr' },
      },
      python: { distName: 'cdk-ghcr2ecr', module: 'cdk_ghcr2ecr' },
      dotnet: { namespace: 'CdkGhcr2Ecr', packageId: 'CdkGhcr2Ecr' },
      go: { moduleName: 'github.com/cdk-ghcr2ecr/cdk-ghcr2ecr-go', packageName: 'cdkghcr2ecr' },
    });
    expect(manifest)
      .toMatchObject({ name: 'cdk-ghcr2ecr', main: 'lib/index.js', types: 'lib/index.d.ts', stability: 'stable' });
    expect(manifest.private).toBeUndefined();
  });

  test('under a permissive license', () => {
    expect(manifest.license).toBe('Apache-2.0');
    expect(read('LICENSE')).toContain('Apache License');
  });

  test('by its keywords', () => {
    expect(manifest.keywords).toEqual(expect.arrayContaining(['aws-cdk', 'cdk', 'ecr', 'ghcr']));
  });

  test('with an author, a description and a repository to show', () => {
    expect(manifest.author.name).not.toBe('');
    expect(manifest.description.length).toBeGreaterThan(40);
    expect(manifest.repository).toEqual({ type: 'git', url: 'https://github.com/cdk-ghcr2ecr/cdk-ghcr2ecr.git' });
  });

  test('with a README that starts with the name and shows how to use it', () => {
    const readme = read('README.md');
    expect(readme).toMatch(/^# cdk-ghcr2ecr\n/);
    expect(readme).toMatch(/```TypeScript\n[^`]*new GhcrMirror\(/);
  });
});

describe('a user installs', () => {
  test('nothing but the peers', () => {
    expect(Object.keys(manifest.peerDependencies).sort()).toEqual(['aws-cdk-lib', 'constructs']);
    expect(manifest.dependencies ?? {}).toEqual({});
    expect(manifest.optionalDependencies ?? {}).toEqual({});
    expect(manifest.bundledDependencies ?? []).toEqual([]);
  });

  test('peers of the versions that we compile with, or newer', () => {
    for (const [peer, range] of Object.entries(manifest.peerDependencies)) {
      expect(range).toBe(`^${manifest.devDependencies[peer]}`);
    }
  });
});

test('the examples and the sample app start from the lowest aws-cdk-lib that we support', () => {
  const lowest = manifest.devDependencies['aws-cdk-lib'];
  for (const file of ['examples/typescript/package.json', 'sample-app/typescript/package.json']) {
    expect((JSON.parse(read(file)) as Manifest).dependencies).toMatchObject({ 'aws-cdk-lib': `^${lowest}` });
  }
  expect(read('examples/python/requirements.txt')).toContain(`aws-cdk-lib>=${lowest},`);
  expect(read('examples/java/pom.xml')).toContain(`<aws-cdk-lib.version>${lowest}</aws-cdk-lib.version>`);
  expect(read('examples/go/go.mod')).toContain(`github.com/aws/aws-cdk-go/awscdk/v2 v${lowest}\n`);
});
