import type { Environment } from '../../src/contract/environment';

/**
 * Reads the variables that the construct sets.
 *
 * @throws naming every variable that is missing: the program then runs outside of its construct,
 * or beside another version of it
 */
export function readEnvironment<Names extends readonly string[]>(
  names: Names,
  from: NodeJS.ProcessEnv = process.env,
): Environment<Names> {
  const missing = names.filter(name => from[name] === undefined);
  if (missing.length > 0) {
    throw new Error(`Environment variables missing: ${missing.join(', ')}. The GhcrMirror construct sets them: `
      + "deploy the stack again, and don't edit the function or the project by hand.");
  }
  return Object.fromEntries(names.map(name => [name, from[name]])) as unknown as Environment<Names>;
}
