import { Duration } from 'aws-cdk-lib';
import { chaos, ChaosResult, fireSchedule } from './mutation/chaos';
import { hurry } from './mutation/hurry';
import { differences } from './mutation/scenario';
import { LocalCloud } from '../../sandbox/aws/cloud';
import { Faults } from '../../sandbox/faults';
import { image } from '../../sandbox/registry/images';
import { find, mutate, setIn } from '../../sandbox/world/template';
import { World, WorldOptions } from '../../sandbox/world/world';

const mirror = { coalescingWindow: Duration.seconds(0) };
const [one, two, three] = ['one', 'two', 'three'].map(seed => image({ seed }));

/** Each test has a world of its own, which is closed whatever happens. */
async function inWorld(options: WorldOptions, act: (world: World) => Promise<void>): Promise<void> {
  const world = await World.start({ mirror, ...options });
  try {
    await act(world);
  } finally {
    await world.close();
  }
}

/*
 * A seed decides the pushes and their order; the draws of every stand-in (which delivery is sent twice and how long
 * each waits, which message is duplicated and in which order visible ones are handed out, names of resources), and for
 * each server, which of its requests are hit, counted in their order of arrival.
 *
 * No seed decides the order of requests: processes and sockets run side by side, so requests of two functions or of
 * skopeo's parallel uploads reach one server in an order that the machine chooses. The same seed thus gives the same
 * faults where requests come one after the other, and the same kind and rate of faults elsewhere. CHAOS_SEED=<number>
 * runs one seed, as often as it takes: `CHAOS_SEED=7 npx jest test/e2e/reproducible -t chaos`.
 */
const seeds = chosenSeeds(process.env.CHAOS_SEED);

describe('chaos', () => {
  const results = new Map<number, PromiseSettledResult<ChaosResult>>();

  // Most of the time is waiting for retries, so all seeds wait together.
  beforeAll(async () => {
    const settled = await Promise.allSettled(seeds.map(chaos));
    settled.forEach((result, at) => results.set(seeds[at], result));
  }, 300_000);

  test.each(seeds)('seed %i ends with every digest equal', seed => {
    const result = results.get(seed);
    if (result?.status !== 'fulfilled') {
      throw new Error(`seed ${seed} did not end; reproduce it with CHAOS_SEED=${seed}`, { cause: result?.reason });
    }
    const { afterSchedule, duringFaults, injected, pushes, duplicateDeliveries } = result.value;
    const counts = Object.entries(injected).map(([place, faults]) => `${place} ${faults.length}`).join(', ');
    process.stdout.write(`chaos seed ${seed}: ${pushes.length} pushes, faults: ${counts}; `
      + `${duplicateDeliveries} duplicate deliveries; ${duringFaults.length} tags left for the schedule\n`);
    // The seed and everything that happened stand in the failure.
    const story = afterSchedule.length > 0 ? { pushes, injected, duringFaults } : {};
    expect({ seed, differences: afterSchedule, ...story }).toEqual({ seed, differences: [] });
    expect(Object.values(injected).flat().length + duplicateDeliveries).toBeGreaterThan(0);
  });
});

describe('the same seed', () => {
  const sequence = async (seed: number): Promise<{ answers: number[]; received: string[] }> => {
    const cloud = await LocalCloud.start({
      seed,
      faults: new Faults(seed),
      sqs: { duplicateProbability: 0.5, shuffle: true },
    });
    try {
      cloud.faults.add({ times: Infinity, probability: 0.5, fault: { kind: 'status', status: 500 } });
      const answers: number[] = [];
      for (let at = 0; at < 20; at++) { answers.push((await fetch(cloud.endpointUrl)).status); }
      const queue = cloud.services.sqs.queues.create('queue');
      for (let at = 0; at < 10; at++) {
        await cloud.call('sqs', 'SendMessage', { QueueUrl: queue.url, MessageBody: String(at) });
      }
      return { answers, received: queue.take(20).map(({ message }) => message.body) };
    } finally {
      await cloud.close();
    }
  };

  test('injects the same faults, duplicates and order where requests come one after the other', async () => {
    expect(await sequence(11)).toEqual(await sequence(11));
  });

  test('is not every seed', async () => {
    expect(await sequence(11)).not.toEqual(await sequence(12));
  });
});

describe('a lost event', () => {
  test(
    'heals with the next schedule',
    () => inWorld({ beforeDeploy: world => world.push('app', one, '1') }, async world => {
      await hurry(world);
      const [hook] = world.github.hooks;
      hook.active = false;
      await world.push('app', two, '2', 'latest');
      await world.push('app', two, '1');
      await world.push('new/package', three, '1');
      await hurry(world);
      expect(await differences(world)).toHaveLength(4);
      await fireSchedule(world);
      await hurry(world);
      expect(await differences(world)).toEqual([]);
    }),
    60_000,
  );
});

describe('events that come twice or in another order', () => {
  test('leave every digest equal', () => inWorld({
    gitHub: { duplicateDeliveries: 1 },
    cloud: { sqs: { duplicateProbability: 1, shuffle: true } },
  }, async world => {
    await hurry(world);
    world.github.hold();
    await world.push('app', one, '1', 'latest');
    await world.push('app', two, '2', 'latest');
    await world.push('app', one, '1.0');
    await world.github.release('reversed');
    await hurry(world);
    expect(await differences(world)).toEqual([]);
  }), 60_000);

  test(
    'start no build when they come again after the copy',
    () => inWorld({ beforeDeploy: world => world.push('app', one, '1') }, async world => {
      await hurry(world);
      await world.push('app', two, '2');
      await hurry(world);
      const { builds } = world.cloud.services.codeBuild;
      const before = builds.length;
      for (const { id } of [...world.github.deliveries]) { await world.github.redeliver(id); }
      await hurry(world);
      expect(builds.length).toBe(before);
      expect(await differences(world)).toEqual([]);
    }),
    60_000,
  );

  test(
    'a tag that goes to and fro within minutes ends where it is in GHCR',
    () => inWorld({ beforeDeploy: world => world.push('app', one, 'latest') }, async world => {
      await hurry(world);
      for (const pushed of [two, one, two, one, two]) {
        await world.push('app', pushed, 'latest');
        await hurry(world);
        expect(await differences(world)).toEqual([]);
      }
    }),
    90_000,
  );
});

describe('an account without a quota of builds', () => {
  test('heals when the quota is raised', () => inWorld({
    cloud: { codebuild: { accountLimit: 0 } },
    beforeDeploy: world => world.push('app', one, '1'),
  }, async world => {
    const { codeBuild } = world.cloud.services;
    const refused = (): boolean => dispatchLog(world)
      .includes('CodeBuild starts no build: the account\'s quota of concurrently running builds is used up');
    await hurry(world, { until: refused });
    expect([refused(), codeBuild.builds.length]).toEqual([true, 0]);
    codeBuild.setAccountLimit(1);
    // The clock jumps to the retry.
    await hurry(world);
    expect(await differences(world)).toEqual([]);
  }), 60_000);

  // Ten looks instead of 300, which take three days: the number has a test of its own,
  // test/unit/dispatch/pause.test.ts.
  const impatient = async (world: World, assembly: string): Promise<void> => {
    mutate(assembly, template => setIn(
      find(template, 'AWS::SQS::Queue', 'MirrorQueuesQueue').Properties,
      ['RedrivePolicy', 'maxReceiveCount'],
      10,
    ));
    await world.push('app', one, '1');
  };

  test(
    'ends in the dead-letter queue with an alarm, from which a redrive heals',
    () => inWorld({ cloud: { codebuild: { accountLimit: 0 } }, beforeDeploy: impatient }, async world => {
      const { sqs, codeBuild } = world.cloud.services;
      const { DeadLetterQueueUrl, QueueUrl } = world.stack.outputs;
      const deadLetters = (): string[] => sqs.queues.byUrl(DeadLetterQueueUrl)?.bodies() ?? [];
      const states = async (): Promise<string[]> => (await world.cloud.metrics.alarms()).map(({ state }) => state);
      expect(await states()).toEqual(['OK']);
      await hurry(world, { stepMs: 300_000, until: () => deadLetters().length > 0 });
      expect(deadLetters().map(body => JSON.parse(body) as unknown))
        .toEqual([{ kind: 'package', package: 'app', reconcile: true }]);
      expect(await states()).toEqual(['ALARM']);
      codeBuild.setAccountLimit(1);
      for (const MessageBody of deadLetters()) {
        await world.cloud.call('sqs', 'SendMessage', { QueueUrl, MessageBody });
      }
      await hurry(world);
      expect(await differences(world)).toEqual([]);
    }),
    90_000,
  );
});

function chosenSeeds(text: string | undefined): readonly number[] {
  if (text === undefined) { return [1, 2, 3]; }
  if (!/^\d+$/.test(text)) { throw new Error(`CHAOS_SEED is "${text}", expected a number such as 7`); }
  return [Number(text)];
}

function dispatchLog(world: World): string {
  const group = world.stack.byType('AWS::Logs::LogGroup')
    .find(({ logicalId }) => logicalId.startsWith('MirrorDispatch'));
  return world.cloud.logs(group?.physicalId ?? '').map(event => event.message).join('\n');
}
