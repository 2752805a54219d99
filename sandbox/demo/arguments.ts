import { parseArgs } from 'node:util';
import type { RegistryKind } from '../world/world';

export interface DemoArguments {
  /** File to write the result to. */
  readonly json?: string;
  /** Keep running after the scenario. */
  readonly serve: boolean;
  readonly registries: RegistryKind;
}

export const USAGE = `npm run demo [-- OPTIONS]

  --json FILE         also write the result as JSON
  --serve             keep the local cloud running, and tell how to push an image of your own
  --registry KIND     embedded (default), or distribution: CNCF's registry, Debian's package docker-registry
  --help              this text`;

/** @throws with the usage when an argument isn't known */
export function parseArguments(args: readonly string[]): DemoArguments | 'help' {
  const { values } = parse(args);
  if (values.help) { return 'help'; }
  const registries = values.registry ?? 'embedded';
  if (registries !== 'embedded' && registries !== 'distribution') {
    throw new Error(`--registry is "${registries}", expected embedded or distribution.\n\n${USAGE}`);
  }
  return { json: values.json, serve: values.serve ?? false, registries };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: { json: { type: 'string' }, serve: { type: 'boolean' }, registry: { type: 'string' }, help: { type: 'boolean' } },
    });
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
}
