import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Writes THIRD-PARTY-NOTICES: the licenses of what esbuild has put into the programs, as its metafiles say. Fails on a
 * license that is not permissive, for then we couldn't ship the programs under Apache-2.0.
 */
interface Metafile {
  readonly outputs: Record<string, { readonly inputs: Record<string, { readonly bytesInOutput: number }> }>;
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly author?: string | { readonly name?: string };
}

const METAFILES = '.metafiles';
const NOTICES = 'THIRD-PARTY-NOTICES';
const PERMISSIVE = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'MIT-0'];
const LEGAL_FILE = /^(licen[cs]e|copying|notice)(\.(md|txt))?$/i;

/** `node_modules/a/node_modules/@b/c/index.js` is of the package in `node_modules/a/node_modules/@b/c`. */
export function packageDirectory(input: string): string | undefined {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
}

function bundledDirectories(): string[] {
  const inputs = readdirSync(METAFILES).flatMap(file => {
    const { outputs } = JSON.parse(readFileSync(join(METAFILES, file), 'utf8')) as Metafile;
    return Object.values(outputs).flatMap(output => Object.entries(output.inputs));
  });
  const directories = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([input]) => packageDirectory(input));
  return [...new Set(directories.filter(directory => directory !== undefined))];
}

function readManifest(directory: string): Manifest {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Manifest;
}

function notice(directory: string): string {
  const { name, version, license, author } = readManifest(directory);
  if (!license || !PERMISSIVE.includes(license)) {
    throw new Error(`${name}@${version} is bundled into a program and licensed "${license}", expected one of `
      + `${PERMISSIVE.join(', ')}. Replace the dependency, or have the license looked at before you add it.`);
  }
  const texts = readdirSync(directory)
    .filter(file => LEGAL_FILE.test(file))
    .sort()
    .map(file => readFileSync(join(directory, file), 'utf8').trim());
  const holder = typeof author === 'string' ? author : author?.name;
  // Of these licenses without a text, MIT-0 asks for none, and the one of Apache-2.0 is our own.
  const text = texts.join('\n\n')
    || `The package holds no license text. It declares ${license}${license === 'Apache-2.0' ? ' (see LICENSE)' : ''}`
      + `${holder ? ` and names ${holder} as its author` : ''}.`;
  return `${name} ${version} (${license})\n\n${text}\n`;
}

if (!existsSync(METAFILES)) { throw new Error(`${METAFILES}/ is missing: run npx projen bundle, which writes it.`); }
const notices = bundledDirectories().map(notice).sort();
const line = '-'.repeat(80);
writeFileSync(NOTICES, [
  'The programs in assets/lambda hold parts of the following packages, each under its own license.\n', ...notices,
].join(`\n${line}\n\n`));
process.stdout.write(`${NOTICES}: ${notices.length} packages.\n`);
