import { Duration } from 'aws-cdk-lib';
import { hurry } from './mutation/hurry';
import { differences } from './mutation/scenario';
import { awsFault } from '../../sandbox/aws/core/endpoint';
import { image } from '../../sandbox/registry/images';
import { find, mutate, setIn } from '../../sandbox/world/template';
import { World, WorldOptions } from '../../sandbox/world/world';

const mirror = { coalescingWindow: Duration.seconds(0) };
const [one, two] = ['one', 'two'].map(seed => image({ seed }));

jest.setTimeout(120_000);

let world: World;
afterEach(() => world?.close());

/** A deployed mirror in which everything that was published is in ECR. */
async function start(options: WorldOptions = {}): Promise<void> {
  world = await World.start({ mirror, beforeDeploy: starting => starting.push('app', one, '1'), ...options });
  await hurry(world);
  expect(await differences(world)).toEqual([]);
}

function builds(): readonly { readonly id: string; readonly status: string }[] {
  return world.cloud.services.codeBuild.builds;
}

/** Lines of dispatch's log that hold a text. */
function logged(text: string): string[] {
  const group = world.stack.byType('AWS::Logs::LogGroup')
    .find(({ logicalId }) => logicalId.startsWith('MirrorDispatch'));
  return world.cloud.logs(group?.physicalId ?? '')
    .map(({ message }) => message)
    .filter(message => message.includes(text));
}

function queued(): string[] {
  const { sqs } = world.cloud.services;
  const { QueueUrl, DeadLetterQueueUrl } = world.stack.outputs;
  return [QueueUrl, DeadLetterQueueUrl].flatMap(url => sqs.queues.byUrl(url)?.bodies() ?? []);
}

test('a build that fails is followed by another, without a schedule', async () => {
  await start();
  const before = builds().length;
  // The first build finds no login; nothing but dispatch's second look starts another.
  world.cloud.faults.add({
    operation: 'GetAuthorizationToken',
    fault: awsFault('AccessDeniedException', 'not yet'),
    times: 1,
  });
  await world.push('app', two, '2');
  await hurry(world);
  expect(await differences(world)).toEqual([]);
  expect(builds().slice(before).map(({ status }) => status)).toEqual(['FAILED', 'SUCCEEDED']);
  expect(queued()).toEqual([]);
});

test('a build that is stopped is followed by another, without a schedule', async () => {
  await start();
  const before = builds().length;
  world.ghcr.faults.add({ path: /\/blobs\//, fault: { kind: 'delay', ms: 5_000 }, times: 1 });
  await world.push('app', two, '2');
  await hurry(world, { until: () => builds().length > before });
  await world.cloud.call('codebuild', 'StopBuild', { id: builds()[before].id });
  await hurry(world);
  expect(await differences(world)).toEqual([]);
  expect(builds().slice(before).map(({ status }) => status)).toEqual(['STOPPED', 'SUCCEEDED']);
});

test('a push costs two looks and one build', async () => {
  await start();
  const before = builds().length;
  const looks = logged('"Planned."').length;
  await world.push('app', two, '2');
  await hurry(world);
  expect([builds().length - before, logged('"Planned."').length - looks]).toEqual([1, 2]);
});

/** A message as a delivery makes it. */
async function send(message: object): Promise<void> {
  const { QueueUrl } = world.stack.outputs;
  await world.cloud.call('sqs', 'SendMessage', { QueueUrl, MessageBody: JSON.stringify(message) });
}

test('a package that is gone is done, with one line, and no dead letter', async () => {
  await start();
  await send({ kind: 'package', package: 'gone' });
  await hurry(world);
  expect(queued()).toEqual([]);
  expect(logged('Package left out')).toEqual([expect.stringContaining('"package":"gone"')]);
});

test('a version that GitHub lists later than it announces it arrives', async () => {
  await start();
  const [hook] = world.github.hooks;
  hook.active = false;
  await send({ kind: 'package', package: 'app', digest: two.digest });
  await hurry(world, { until: () => logged('does not list yet').length > 3 });
  await world.push('app', two, '2');
  await hurry(world);
  expect(await differences(world)).toEqual([]);
  expect(queued()).toEqual([]);
});

test('a package whose listing hangs stops no other', async () => {
  await start();
  world.github.server.faults.add({ path: /container\/hangs\/versions/, fault: { kind: 'delay', ms: 20_000 }, times: Infinity });
  world.github.hold();
  await world.push('hangs', two, '1');
  await world.push('app', two, '2');
  await world.github.release();
  const arrived = async (): Promise<boolean> => await world.target('app', '2') === two.digest;
  const end = performance.now() + 90_000;
  while (!await arrived() && performance.now() < end) { await new Promise(resolve => { setTimeout(resolve, 200); }); }
  expect(await arrived()).toBe(true);
  expect(await world.target('hangs', '1')).toBeUndefined();
  world.github.server.faults.clear();
  await hurry(world, { timeoutMs: 100_000 });
  expect(await differences(world)).toEqual([]);
}, 240_000);

test('a message that is not ours hurries to the dead-letter queue', async () => {
  await start({ beforeDeploy: (_, assembly) => { shorten(assembly); } });
  await send({ kind: 'package' });
  await hurry(world);
  expect(queued()).toEqual(['{"kind":"package"}']);
});

/** Ten looks instead of 300: the number has a test of its own, test/unit/dispatch/pause.test.ts. */
function shorten(assembly: string): void {
  mutate(assembly, template => setIn(
    find(template, 'AWS::SQS::Queue', 'MirrorQueuesQueue').Properties,
    ['RedrivePolicy', 'maxReceiveCount'],
    10,
  ));
}
