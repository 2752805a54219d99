import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** The part of esbuild's metafile that is read here. */
interface Metafile {
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** The bundled libraries change with the lockfile, and the command that bundles with projen's tasks. */
const COMMON_INPUTS = ['package-lock.json', '.projen/tasks.json'];

/**
 * Tells why the programs below lambda/ have to be bundled. Compares the times of the files that esbuild has read and
 * written, as make does.
 *
 * @param root the project's folder
 * @returns the reason, such as `lambda/sync/main.ts is newer than assets/lambda/sync/index.js`; undefined when nothing
 * has to be done
 */
export function staleBundle(root: string): string | undefined {
  return programs(root).map(program => staleProgram(root, program)).find(reason => reason !== undefined);
}

/** Names of the folders below lambda/ that hold a program. */
function programs(root: string): string[] {
  const folders = readdirSync(join(root, 'lambda'), { withFileTypes: true }).filter(entry => entry.isDirectory());
  return folders.map(({ name }) => name).filter(name => time(root, `lambda/${name}/main.ts`) !== undefined);
}

function staleProgram(root: string, program: string): string | undefined {
  const metafile = `.metafiles/${program}.json`;
  if (time(root, metafile) === undefined) { return `${metafile} is missing`; }
  const { inputs, outputs } = JSON.parse(readFileSync(join(root, metafile), 'utf8')) as Metafile;
  const sources = [...Object.keys(inputs).filter(file => !file.startsWith('node_modules/')), ...COMMON_INPUTS];
  return Object.keys(outputs).map(output => staleOutput(root, output, sources)).find(reason => reason !== undefined);
}

function staleOutput(root: string, output: string, sources: readonly string[]): string | undefined {
  const written = time(root, output);
  if (written === undefined) { return `${output} is missing`; }
  const newer = sources.find(source => (time(root, source) ?? Infinity) > written);
  return newer === undefined ? undefined : `${newer} is newer than ${output}, or gone`;
}

/** Time of the last change in milliseconds; undefined for a file that doesn't exist. */
function time(root: string, file: string): number | undefined {
  return statSync(join(root, file), { throwIfNoEntry: false })?.mtimeMs;
}
