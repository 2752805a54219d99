import { hurry } from './hurry';
import { awsFault } from '../../../sandbox/aws/core/endpoint';
import { referrer, referrersIndex, tagFor } from '../../../sandbox/registry/artifacts';
import { image, Manifest } from '../../../sandbox/registry/images';
import type { World } from '../../../sandbox/world/world';

/** An account that has switched on what the mirror uses where it is there. */
export const ACCOUNT = { ecr: { blobMounting: true } };

/** Small images: every byte is copied dozens of times. */
const FIRST = image({ seed: 'first' });
const SECOND = image({ seed: 'second' });

/** An index that skopeo refuses, so that the mirror puts its bytes itself. */
const REFERRER = referrer(FIRST);
const OPAQUE: Manifest = referrersIndex([REFERRER]);

/**
 * Publishes an image with two tags before the mirror exists, and the same image as a second package, so that the first
 * sync mounts its blobs. The account refuses to start the first two builds.
 */
export async function prepare(world: World): Promise<void> {
  await world.push('app', FIRST, '1', '1.0');
  await world.push('twin', FIRST, '1');
  // A full reconcile leaves its packages to messages; these fail, and come back: dispatch changes their visibility.
  world.cloud.faults.add({
    operation: 'StartBuild',
    times: 2,
    fault: awsFault('AccountLimitExceededException', 'Cannot have more than 0 builds in queue for the account'),
  });
}

/**
 * Uses everything that the mirror is allowed to do, as briefly as it can be done.
 * @param stop true when the test has seen what it waits for
 */
export async function exercise(world: World, stop: () => boolean = () => false): Promise<void> {
  const settle = (): Promise<void> => hurry(world, { until: stop });
  const steps: (() => Promise<unknown>)[] = [
    settle,
    // A delivery, and a tag that moves to an image that ECR has.
    () => world.push('app', SECOND, '2'),
    settle,
    () => world.push('app', FIRST, '2'),
    settle,
    () => world.push('app', REFERRER),
    () => world.push('app', OPAQUE, tagFor(FIRST)),
    settle,
    ...world.cloud.services.scheduler.names.map(name => () => world.cloud.services.scheduler.fire(name)),
    settle,
  ];
  for (const step of steps) {
    if (stop()) { return; }
    await step();
  }
}

/** Returns the differences between GHCR and ECR; there are none when the mirror has reached its goal. */
export async function differences(world: World, prefix?: string): Promise<string[]> {
  const all = await Promise.all(world.published().map(async ({ package: name, tag, digest }) => {
    const held = await world.target(name, tag, prefix);
    return held === digest ? [] : [`${name}:${tag} is ${held ?? 'nothing'} in ECR, ${digest} in GHCR`];
  }));
  return all.flat();
}
