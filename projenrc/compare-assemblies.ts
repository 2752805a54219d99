import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

/**
 * Compares what apps in several languages have synthesized: tsx compare-assemblies.ts REFERENCE OTHER...
 * (directories, named for the language). Templates must be equal, the hashes of assets included, and
 * every asset's file must be there.
 */
type Json = Record<string, unknown>;

interface Assembly {
  readonly name: string;
  readonly directory: string;
  readonly template: Json;
  readonly assets: readonly string[];
}

const TEMPLATE = 'Images.template.json';
const ASSETS = 'Images.assets.json';
/** The bundled programs, and what CDK's provider framework and our app bring. */
const PROGRAMS = ['webhook', 'dispatch', 'sync', 'registration'];

function readJson(file: string): Json {
  return JSON.parse(readFileSync(file, 'utf8')) as Json;
}

/** CDK's own metadata names the language and the versions of the libraries: it differs by nature. */
function withoutMetadata(template: Json): Json {
  const resources = Object.entries(template.Resources as Record<string, Json>);
  const { CDKMetadataAvailable: _, ...conditions } = (template.Conditions ?? {}) as Json;
  return {
    ...template,
    Conditions: conditions,
    Resources: Object.fromEntries(resources.filter(([, { Type }]) => Type !== 'AWS::CDK::Metadata')),
  };
}

function readAssembly(directory: string): Assembly {
  const files = readJson(join(directory, ASSETS)).files as Record<string, { source: { path: string } }>;
  const paths = Object.values(files).map(({ source }) => source.path).filter(path => path !== TEMPLATE);
  const missing = paths.filter(path => !existsSync(join(directory, path)));
  if (missing.length > 0) { throw new Error(`${directory} lacks the asset files ${missing.join(', ')}`); }
  return {
    name: basename(directory),
    directory,
    template: withoutMetadata(readJson(join(directory, TEMPLATE))),
    assets: paths.sort(),
  };
}

/** The programs as they were built here, byte for byte. */
function checkPrograms({ name, directory, assets }: Assembly): void {
  const bundles = assets.map(asset => join(directory, asset, 'index.js'))
    .filter(file => existsSync(file))
    .map(file => readFileSync(file));
  for (const program of PROGRAMS) {
    const built = readFileSync(join('assets', 'lambda', program, 'index.js'));
    if (!bundles.some(bundle => bundle.equals(built))) { throw new Error(`${name} lacks the program ${program}`); }
  }
}

/** Where two JSON values differ, as paths. */
function differences(one: unknown, other: unknown, path: string): string[] {
  if (isDeepStrictEqual(one, other)) { return []; }
  if (typeof one !== 'object' || typeof other !== 'object' || !one || !other) {
    return [`${path}: ${JSON.stringify(one)} became ${JSON.stringify(other)}`];
  }
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...keys].flatMap(key => differences((one as Json)[key], (other as Json)[key], `${path}/${key}`));
}

const [reference, ...others] = process.argv.slice(2).map(readAssembly);
if (!reference || others.length === 0) {
  throw new Error('Usage: tsx projenrc/compare-assemblies.ts REFERENCE OTHER...');
}
for (const assembly of [reference, ...others]) { checkPrograms(assembly); }

for (const { name, template, assets } of others) {
  const found = [...differences(reference.template, template, ''), ...differences(reference.assets, assets, 'assets')];
  const resources = Object.keys(template.Resources as Json).length;
  if (found.length > 0) {
    process.exitCode = 1;
    process.stderr.write(`${name} differs from ${reference.name} in ${found.length} `
      + `places:\n${found.slice(0, 20).map(line => `  ${line}\n`).join('')}`);
  } else {
    process.stdout.write(`${name} equals ${reference.name}: ${resources} resources, ${assets.length} assets.\n`);
  }
}
