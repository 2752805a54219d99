import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..', '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

const readme = read('README.md');
const guides = `${readme}\n${read('docs/migrating-from-terraform.md')}`;

interface Snippet { readonly language: string; readonly code: string }

/** Fenced blocks, without the indentation of a list that they stand in. */
const snippets: readonly Snippet[] = [...readme.matchAll(/^( *)```(\S*)\n([^]*?)^\1```$/gm)]
  .map(([, indent, language, code]) => ({ language, code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), '') }));

// The examples are synthesized in CI, from the built packages: .ci/bindings.
describe('the README starts with the tested app', () => {
  test.each([
    ['TypeScript', 'examples/typescript/app.ts'],
    ['python', 'examples/python/app.py'],
    ['java', 'examples/java/src/main/java/com/myorg/ImagesApp.java'],
    ['go', 'examples/go/images.go'],
  ])('in %s', (language, file) => {
    expect(snippets).toContainEqual({ language, code: read(file) });
  });

  test('in the same words of TypeScript as in the first snippet', () => {
    const [first] = snippets;
    expect(first.language).toBe('TypeScript');
    const mirror = /^const mirror = [^]*?^}\);$/m.exec(first.code)?.[0];
    expect(mirror).toBeDefined();
    expect(read('examples/typescript/app.ts')).toContain(mirror);
  });
});

// jsii-pacmak puts the language of each package on such a snippet, and leaves its TypeScript as it is.
test('no snippet is labelled so that PyPI would show TypeScript as Python', () => {
  expect(snippets.map(({ language }) => language)).toEqual(expect.not.arrayContaining(['ts', 'typescript']));
});

describe('the README installs the package by its name', () => {
  const { name, jsii: { targets: { java, python, dotnet, go } } } = JSON.parse(read('package.json')) as {
    name: string;
    jsii: {
      targets: {
        java: { maven: { groupId: string; artifactId: string } };
        python: { distName: string };
        dotnet: { packageId: string };
        go: { moduleName: string; packageName: string };
      };
    };
  };

  test.each([
    ['TypeScript', `npm install ${name}\``],
    ['Python', `the line \`${python.distName}\` to \`requirements.txt\``],
    ['Java', `add \`${java.maven.groupId}:${java.maven.artifactId}\` to the dependencies`],
    ['Java, in pom.xml',
      `<groupId>${java.maven.groupId}</groupId>\n  <artifactId>${java.maven.artifactId}</artifactId>`],
    ['Go', `go get ${go.moduleName}/${go.packageName}\``],
    ['C#', `package ${dotnet.packageId}\``],
  ])('in %s', (_, words) => {
    expect(readme).toContain(words);
  });
});

// API.md is generated, and checked to be current.
describe('the guides name what exists', () => {
  const api = read('API.md');
  const named = (pattern: RegExp): Set<string> => new Set([...api.matchAll(pattern)].map(([, member]) => member));
  const members = named(/id="cdk-ghcr2ecr\.GhcrMirror(?:\.property)?\.([a-z]\w*)"/g);
  const props = named(/id="cdk-ghcr2ecr\.GhcrMirrorProps\.property\.(\w+)"/g);

  test('of the mirror', () => {
    const prose = guides.replaceAll(/^( *)```[^]*?^\1```$/gm, '');
    const used = [...prose.matchAll(/\bmirror\.([a-z]\w*)/g)].map(([, member]) => member)
      // As Python and Java spell them.
      .filter(member => !['grant_pull', 'getQueue'].includes(member));
    expect(used.length).toBeGreaterThan(20);
    expect(used.filter(member => !members.has(member))).toEqual([]);
  });

  test('of its props', () => {
    const [, table] = readme.split('## Configuration by task');
    const used = [...table.split('###')[0].matchAll(/`([a-z]+[A-Z]\w*)(?=[`:])/g)].map(([, prop]) => prop)
      .filter(prop => prop !== 'fromSecretNameV2');
    expect(used.length).toBeGreaterThan(8);
    expect(used.filter(prop => !props.has(prop))).toEqual([]);
  });
});
