import { PACKAGES_VARIABLE } from '../../src/contract/environment';
import { oneLine } from '../shared/one-line';

/**
 * Packages that this build was asked to sync; undefined for all of the organization, which is what a build
 * that a person starts by hand gets.
 *
 * @throws when the variable is set to something else than a JSON array of names
 */
export function requestedPackages(environment: NodeJS.ProcessEnv): readonly string[] | undefined {
  const text = environment[PACKAGES_VARIABLE] ?? '';
  if (text.trim() === '') { return undefined; }
  const names = parse(text);
  if (!Array.isArray(names) || !names.every((name): name is string => typeof name === 'string' && name !== '')) {
    const got = oneLine(text.slice(0, 200));
    throw new Error(`Variable ${PACKAGES_VARIABLE} is ${got}, expected a JSON array of package names `
      + 'such as ["app","team/tool"]; leave it out to sync every package.');
  }
  return names.length > 0 ? names : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
