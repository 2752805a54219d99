import { parseArgs } from 'node:util';
import { CopyEngine } from '../../src/contract/copy-engine';
import type { RegistryKind } from '../world/world';

export interface DemoArguments {
  /** File to write the result to. */
  readonly json?: string;
  /** Keep running after the scenario. */
  readonly serve: boolean;
  readonly registries: RegistryKind;
  /** What copies the images. */
  readonly engine: CopyEngine;
}

export const USAGE = `npm run demo [-- OPTIONS]

  --json FILE         also write the result as JSON
  --serve             keep the local cloud running, and tell how to push an image of your own
  --registry KIND     embedded (default), or distribution: CNCF's registry, Debian's package docker-registry
  --engine ENGINE     skopeo (default), or direct: the mirror's own program moves the blobs
  --help              this text`;

/** @throws with the usage when an argument isn't known */
export function parseArguments(args: readonly string[]): DemoArguments | 'help' {
  const { values } = parse(args);
  if (values.help) { return 'help'; }
  const registries = values.registry ?? 'embedded';
  if (registries !== 'embedded' && registries !== 'distribution') {
    throw new Error(`--registry is "${registries}", expected embedded or distribution.\n\n${USAGE}`);
  }
  return {
    json: values.json,
    serve: values.serve ?? false,
    registries,
    engine: parseEngine(values.engine ?? CopyEngine.SKOPEO),
  };
}

function parseEngine(text: string): CopyEngine {
  const engine = Object.values(CopyEngine).find(value => value === text);
  if (engine === undefined) { throw new Error(`--engine is "${text}", expected skopeo or direct.\n\n${USAGE}`); }
  return engine;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        json: { type: 'string' },
        serve: { type: 'boolean' },
        registry: { type: 'string' },
        engine: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
}
