import { createHmac } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { HookWorld } from './hook-world';

jest.setTimeout(60_000);

/** Between two deliveries of one sender. */
const PAUSE_MS = 60;

let world: HookWorld;
beforeAll(async () => {
  world = await HookWorld.start();
  await world.deploy();
});
afterAll(() => world.close());

/** A genuine event of a package that is no container: verified like any other, and then ignored. */
const BODY = JSON.stringify({
  action: 'published',
  package: { name: 'lib', package_type: 'npm', ecosystem: 'npm', namespace: 'my-org', owner: { login: 'My-Org' } },
  organization: { login: 'My-Org' },
});

/** Status of a delivery, signed with the hook's own secret or with another. */
async function deliver(secret?: string): Promise<number> {
  const headers = secret === undefined
    ? {}
    : { 'X-Hub-Signature-256': `sha256=${createHmac('sha256', secret).update(BODY).digest('hex')}` };
  return (await world.github.sendRaw(world.github.hooks[0].id, BODY, { headers })).statusCode;
}

const put = (value: string, stage: string): Promise<Record<string, unknown>> =>
  world.cloud.call('secretsmanager', 'PutSecretValue', {
    SecretId: world.stack.outputs.WebhookSecretArn, SecretString: value, VersionStages: [stage],
  });

/** Deliveries one after the other until told to stop, below the throttle of the API. */
function sender(secret: () => string | undefined): { readonly statuses: number[]; stop(): Promise<void> } {
  const statuses: number[] = [];
  let going = true;
  const run = (async () => {
    while (going) {
      statuses.push(await deliver(secret()));
      await delay(PAUSE_MS);
    }
  })();
  return { statuses, stop: () => { going = false; return run; } };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) { await delay(10); }
}

/**
 * A warm function sees a new secret when what it has read is older than a minute. The program's clock is the machine's.
 */
async function coldFunction(): Promise<void> {
  const { lambda } = world.cloud.services;
  for (const [name, pool] of lambda.functions) {
    if (name.includes('WebhookFunction')) { pool.configure(pool.settings); }
  }
  await Promise.resolve();
}

test('200 deliveries while the secret rotates twice: none with a secret that the function has read is refused, '
  + 'none with a third is accepted', async () => {
  const first = await world.secret();
  const [second, third] = ['second'.repeat(8), 'never-valid'.repeat(5)];
  // What GitHub signs with; a secret that somebody has set in GitHub ahead of the rotation; a forger.
  let ahead = first;
  const streams = [sender(() => undefined), sender(() => undefined), sender(() => ahead)];
  const forger = sender(() => third);
  const count = (): number => streams.reduce((sum, { statuses }) => sum + statuses.length, 0);
  try {
    await until(() => count() > 40);
    const { VersionId: pending } = await put(second, 'AWSPENDING');
    await coldFunction();
    ahead = second;
    await until(() => count() > 80);
    const versions = await world.cloud.call('secretsmanager', 'DescribeSecret', {
      SecretId: world.stack.outputs.WebhookSecretArn,
    });
    const [current] = Object.entries(
      versions.VersionIdsToStages as Record<string, string[]>,
    ).find(([, stages]) => stages.includes('AWSCURRENT')) ?? [];
    await world.cloud.call('secretsmanager', 'UpdateSecretVersionStage', {
      SecretId: world.stack.outputs.WebhookSecretArn,
      VersionStage: 'AWSCURRENT',
      MoveToVersionId: pending,
      RemoveFromVersionId: current,
    });
    // As AWS's rotation functions end: a label that stays would keep its version valid.
    await world.cloud.call('secretsmanager', 'UpdateSecretVersionStage', {
      SecretId: world.stack.outputs.WebhookSecretArn, VersionStage: 'AWSPENDING', RemoveFromVersionId: pending,
    });
    await until(() => count() > 120);
    expect(world.github.hooks[0].secretIs(first)).toBe(true);
    await Promise.all(world.cloud.services.scheduler.names.filter(name => name.includes('Repair'))
      .map(name => world.cloud.services.scheduler.fire(name)));
    await until(() => world.github.hooks[0].secretIs(second));
    ahead = first;
    await until(() => count() > 200);
  } finally {
    await Promise.all([...streams, forger].map(stream => stream.stop()));
  }
  const valid = streams.flatMap(({ statuses }) => statuses);
  expect(valid.length).toBeGreaterThan(200);
  expect(valid.filter(status => status !== 202)).toEqual([]);
  expect(forger.statuses.length).toBeGreaterThan(0);
  expect(forger.statuses.filter(status => status !== 401)).toEqual([]);
});

test('rejects the secret before the previous one, once the function reads the secret again', async () => {
  await put('fourth'.repeat(8), 'AWSCURRENT');
  await put('fifth'.repeat(8), 'AWSCURRENT');
  await world.repair();
  await coldFunction();
  expect(await deliver()).toBe(202);
  expect(await deliver('fourth'.repeat(8))).toBe(202);
  expect(await deliver('second'.repeat(8))).toBe(401);
});
