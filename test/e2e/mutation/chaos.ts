import { Duration } from 'aws-cdk-lib';
import { hurry } from './hurry';
import { differences } from './scenario';
import { awsFault } from '../../../sandbox/aws/core/endpoint';
import { Fault, Faults, seededRandom } from '../../../sandbox/faults';
import { buildxIndex } from '../../../sandbox/registry/artifacts';
import { image, Manifest } from '../../../sandbox/registry/images';
import { World } from '../../../sandbox/world/world';

/** CodeBuild remembers a token for five minutes; a schedule comes later than that. */
const LATER_MS = 6 * 60_000;

export interface ChaosResult {
  /** Differences when everything has settled, while the faults still strike. */
  readonly duringFaults: readonly string[];
  /** Differences after the next schedule, without faults. */
  readonly afterSchedule: readonly string[];
  /** The pushes, in order. */
  readonly pushes: readonly string[];
  /** Faults by place: `aws`, `ghcr`, `ecr`. */
  readonly injected: Readonly<Record<string, readonly string[]>>;
  readonly duplicateDeliveries: number;
}

/**
 * A random run: pushes and moved tags while everything around the mirror fails now and then,
 * at every place that it talks to.
 */
export async function chaos(seed: number): Promise<ChaosResult> {
  const world = await World.start({
    seed,
    mirror: { coalescingWindow: Duration.seconds(0) },
    gitHub: { random: seededRandom(seed + 1), duplicateDeliveries: 0.3, deliveryDelayMs: [0, 150] },
    ghcr: { faults: new Faults(seed + 2), lagMs: 100 },
    cloud: {
      sqs: { duplicateProbability: 0.3, shuffle: true },
      faults: new Faults(seed + 3),
      ecr: { faults: new Faults(seed + 4) },
    },
  });
  try {
    await hurry(world);
    arm(world);
    const pushes = await pushAtRandom(world, seededRandom(seed));
    await hurry(world, { timeoutMs: 150_000 });
    const duringFaults = await calm(world, () => differences(world));
    world.cloud.clock.advance(LATER_MS);
    await fireSchedule(world);
    await hurry(world, { timeoutMs: 90_000 });
    return {
      duringFaults,
      afterSchedule: await differences(world),
      pushes,
      injected: { aws: namesOf(world.cloud.faults), ghcr: namesOf(world.ghcr.faults), ecr: namesOf(world.ecr.faults) },
      duplicateDeliveries: world.github.deliveries.length
        - new Set(world.github.deliveries.map(delivery => delivery.guid)).size,
    };
  } finally {
    await world.close();
  }
}

/** Fires the schedule that reconciles the organization. */
export async function fireSchedule(world: World): Promise<void> {
  const { scheduler } = world.cloud.services;
  const name = scheduler.names.find(candidate => candidate.includes('Dispatch'));
  if (name === undefined) { throw new Error(`no schedule of dispatch among ${scheduler.names.join(', ')}`); }
  await scheduler.fire(name);
}

function arm(world: World): void {
  const often = { times: Infinity, probability: 0.08 };
  const unavailable: Fault = {
    kind: 'status',
    status: 503,
    body: '{"errors":[{"code":"UNAVAILABLE","message":"service unavailable"}]}',
  };
  world.cloud.faults.add(
    {
      ...often,
      operation: 'ListImages',
      fault: awsFault('ServerException', 'These errors are usually caused by a server-side issue.', 500),
    },
    { ...often, operation: 'PutImage', fault: awsFault('ThrottlingException', 'Rate exceeded') },
    { ...often, operation: 'SendMessage', fault: { kind: 'reset' } },
    {
      ...often,
      operation: 'GetSecretValue',
      fault: awsFault('InternalServiceError', 'An error occurred on the server side.', 500),
    },
    {
      times: Infinity,
      probability: 0.3,
      operation: 'StartBuild',
      fault: awsFault('AccountLimitExceededException', 'Cannot have more than 0 builds in queue for the account'),
    },
  );
  // Pulls alone: the pushes of this test have nobody who tries again.
  world.ghcr.faults.add(
    { ...often, method: 'GET', path: /\/manifests\/sha256:/, fault: unavailable },
    { ...often, method: 'GET', path: /\/blobs\/sha256:/, fault: { kind: 'truncate', afterBytes: 20 } },
  );
  world.ecr.faults.add(
    { ...often, method: 'POST', path: /\/blobs\/uploads/, fault: { kind: 'reset' } },
    { ...often, method: 'PUT', path: /\/manifests\//, fault: { kind: 'status', status: 429, body: '{"errors":[{"code":"TOOMANYREQUESTS","message":"Rate exceeded"}]}' } },
  );
}

/** Reads with the faults off: what the test itself asks must not fail. They stay off. */
async function calm<T>(world: World, work: () => Promise<T>): Promise<T> {
  [world.cloud.faults, world.ghcr.faults, world.ecr.faults].forEach(faults => faults.clear());
  return work();
}

async function pushAtRandom(world: World, random: () => number): Promise<string[]> {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)];
  const pushes: string[] = [];
  for (let at = 0; at < 8; at++) {
    const name = pick(['app', 'web', 'team/tool']);
    const seed = Math.floor(random() * 3);
    const pushed: Manifest = random() < 0.3
      ? buildxIndex({ seed: `${name}-${seed}`, layerBytes: 64 })
      : image({ seed: `${name}-${seed}` });
    const tags = [...new Set([pick(['1', '2', 'latest']), pick(['2', 'latest', 'edge'])])];
    pushes.push(`${name}:${tags.join(',')} ${pushed.digest.slice(7, 19)}`);
    await world.push(name, pushed, ...tags);
    // Sometimes everything arrives before the next push, sometimes it is all under way at once.
    if (random() < 0.3) { await hurry(world, { timeoutMs: 150_000 }); }
  }
  return pushes;
}

function namesOf(faults: Faults): string[] {
  return faults.injected.map(({ method, path, fault }) =>
    `${method} ${path.split('?')[0]} ${fault.kind}${fault.kind === 'status' ? ` ${fault.status}` : ''}`);
}
