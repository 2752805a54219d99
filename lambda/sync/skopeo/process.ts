import { spawn } from 'node:child_process';
import { basename } from 'node:path';
import { lastMessage, SkopeoError } from './errors';

/** How much of the standard error is kept: its end, where the error is. */
const ERROR_CHARACTERS = 2_000;

/** A manifest is at most 4 MB. What is printed beyond this is lost, and the digest tells. */
const OUTPUT_BYTES = 8 * 1024 * 1024;

/**
 * Runs a program to its end.
 *
 * @param names what the program was called with and may quote: its error must not be classified by them
 * @returns what it printed to its standard output
 * @throws SkopeoError
 */
export function run(
  binary: string, args: readonly string[], names: readonly string[] = [], signal?: AbortSignal,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'], signal });
    const output: Buffer[] = [];
    let [length, errors] = [0, ''];
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= OUTPUT_BYTES) { output.push(chunk); }
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-ERROR_CHARACTERS);
    });
    child.on('error', error => {
      const failure = new SkopeoError(`${binary} could not be started: ${error.message}`, names, { cause: error });
      reject(error.name === 'AbortError' ? error : failure);
    });
    child.on('close', (code, killedBy) => {
      if (code === 0) { return resolve(Buffer.concat(output)); }
      const message = lastMessage(errors) || `${basename(binary)} ended with ${killedBy ?? code} and no message`;
      reject(new SkopeoError(message, names));
    });
  });
}
