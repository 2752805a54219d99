import { setTimeout as sleep } from 'node:timers/promises';
import type { Progress } from './progress';
import { buildxIndex } from '../registry/artifacts';
import { image } from '../registry/images';
import type { World } from '../world/world';

/** One image, on both sides. */
export interface MirroredImage {
  readonly package: string;
  readonly tag: string;
  readonly source: string | undefined;
  readonly target: string | undefined;
  readonly equal: boolean;
}

export interface DemoResult {
  readonly images: MirroredImage[];
  /** Deliveries by GitHub, in order. */
  readonly deliveries: { readonly event: string; readonly status: number; readonly redelivery: boolean }[];
  /** Builds, in order. */
  readonly builds: { readonly id: string; readonly status: string }[];
  /** Builds that the duplicate delivery started: none. */
  readonly buildsByDuplicate: number;
  /** From GitHub's first delivery of the live push to the image in ECR. */
  readonly secondsToArrival: number;
}

const KIB = 1024;

/**
 * The packages that the organization published before the mirror was deployed: four, one of them with a nested name.
 */
export async function publishOrganization(world: World): Promise<void> {
  await world.push('app', image({ seed: 'app-1', layers: 2, layerBytes: 200 * KIB }), '1.0.0');
  await world.push('app', image({ seed: 'app-2', layers: 3, layerBytes: 200 * KIB }), '1.1.0', '1.1', 'latest');
  // Two architectures and an attestation each, as buildx pushes it: the children stay untagged.
  await world.push('web', buildxIndex({ seed: 'web-1', layers: 2, layerBytes: 100 * KIB }), '2.0.0', 'latest');
  await world.push('team/tools/lint', image({ seed: 'lint-1', docker: true }), 'v3', 'stable');
  await world.push('base', buildxIndex({ seed: 'base-1', layerBytes: 300 * KIB }), '12');
}

/** The scenario of the demo: first sync, live push, moved tag, duplicate delivery. */
export async function play(world: World, progress: Progress): Promise<DemoResult> {
  progress.step('The first sync: the deployment asked for it');
  await world.settled();

  progress.step('A live push: web:2.1.0, for two architectures');
  const live = buildxIndex({ seed: 'web-2', layers: 2, layerBytes: 100 * KIB });
  const known = world.github.deliveries.length;
  await world.push('web', live, '2.1.0');
  const arrived = await arrival(world, 'web', '2.1.0', live.digest);
  const secondsToArrival = (arrived - world.github.deliveries[known].deliveredAt) / 1000;
  progress.say('demo', `web:2.1.0 is in ECR ${secondsToArrival.toFixed(1)} s after GitHub's first delivery`);
  await world.settled();

  progress.step('A moved tag: app:latest goes to a new image, and 1.1 to one that ECR has');
  await world.push('app', image({ seed: 'app-3', layers: 3, layerBytes: 200 * KIB }), '2.0.0', 'latest');
  await world.push('app', image({ seed: 'app-1', layers: 2, layerBytes: 200 * KIB }), '1.1');
  await world.settled();

  progress.step('A duplicate delivery: nothing is missing, so no build is started');
  const builds = world.cloud.services.codeBuild.builds.length;
  await world.github.redeliver(world.github.deliveries[known].id);
  await world.settled();
  return {
    images: await compare(world),
    deliveries: world.github.deliveries.map(({ event, statusCode, redelivery }) => ({
      event,
      status: statusCode,
      redelivery,
    })),
    builds: world.cloud.services.codeBuild.builds.map(({ id, status }) => ({ id, status })),
    buildsByDuplicate: world.cloud.services.codeBuild.builds.length - builds,
    secondsToArrival,
  };
}

/** Compares every published tag by the bytes that both registries serve. */
export async function compare(world: World): Promise<MirroredImage[]> {
  return Promise.all(world.published().map(async ({ package: name, tag }) => {
    const [source, target] = await Promise.all([world.source(name, tag), world.target(name, tag)]);
    return { package: name, tag, source, target, equal: source !== undefined && source === target };
  }));
}

/** When ECR serves the image, milliseconds since the epoch. */
async function arrival(world: World, packageName: string, tag: string, digest: string): Promise<number> {
  const end = Date.now() + 120_000;
  while (Date.now() < end) {
    if (await world.target(packageName, tag) === digest) { return Date.now(); }
    await sleep(50);
  }
  throw new Error(`${packageName}:${tag} ${digest} did not arrive in ECR within 120 s. `
    + 'The log above tells how far it came.');
}
