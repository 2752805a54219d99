import type { BuildRequest } from '../../../lambda/dispatch/builds';
import { dispatch, DispatchDependencies, Received } from '../../../lambda/dispatch/dispatcher';
import type { PlannedPackage } from '../../../lambda/shared/inventory';
import { plan, SourceVersion, TargetImages } from '../../../lambda/shared/plan';
import type { PackageMessage, SyncMessage } from '../../../src/contract/messages';
import { FakeTime } from '../shared/fake-time';
import { RecordingLog } from '../shared/recording-log';
import { digest, target, version } from '../shared/samples';

/** What GitHub lists of a package, look by look; the last look repeats. An error stands for a listing that fails. */
type Looks = readonly (readonly SourceVersion[] | Error)[];

class World implements DispatchDependencies {
  public readonly log = new RecordingLog();
  public readonly project = 'project';
  public readonly builds: BuildRequest[] = [];
  public readonly sent: PackageMessage[] = [];
  public readonly looks: string[] = [];
  public readonly announced: (readonly string[])[] = [];
  public readonly time = new FakeTime();
  public packages: readonly string[] | Error = [];
  public source: Record<string, Looks> = {};
  public target: Record<string, TargetImages> = {};
  public refuse: (request: BuildRequest) => Error | undefined = () => undefined;

  public readonly sleep = (ms: number): Promise<void> => this.time.sleep(ms);

  public readonly now = (): number => this.time.now();

  public readonly listPackages = async (): Promise<readonly string[]> => orThrow(this.packages);

  public readonly send = async (messages: readonly PackageMessage[]): Promise<void> => { this.sent.push(...messages); };

  public readonly planPackage = async (name: string, announced: readonly string[]): Promise<PlannedPackage> => {
    this.announced.push(announced);
    const looks = this.source[name] ?? [[version(1, '1')]];
    const look = this.looks.filter(each => each === name).length;
    this.looks.push(name);
    const source = orThrow(looks[Math.min(look, looks.length - 1)]);
    return { package: name, plan: plan(`my-org/${name}`, source, this.target[name]), listed: new Set(source.map(each => each.digest)), present: new Set(), presentTags: new Set() };
  };

  public readonly startBuild = async (request: BuildRequest): Promise<{ id: string }> => {
    this.builds.push(request);
    const error = this.refuse(request);
    if (error) { throw error; }
    return { id: `mirror:${this.builds.length}` };
  };
}

function orThrow<T>(value: T | Error): T {
  if (value instanceof Error) { throw value; }
  return value;
}

let world: World;
beforeEach(() => { world = new World(); });

/** Messages m1, m2, ... of a batch. */
function batch(...messages: (SyncMessage & { receives?: number })[]): Received[] {
  return messages.map(({ receives = 1, ...message }, at) => ({ id: `m${at + 1}`, message, receiveCount: receives }));
}

function of(name: string, more: Partial<PackageMessage> & { receives?: number } = {}): PackageMessage & { receives?: number } {
  return { kind: 'package', package: name, ...more };
}

async function failures(...messages: Parameters<typeof batch>): Promise<Record<string, string>> {
  return Object.fromEntries([...await dispatch(batch(...messages), world)].map(([id, error]) => [id, error.message]));
}

function built(): (readonly string[])[] {
  return world.builds.map(({ packages }) => packages);
}

describe('package messages', () => {
  test('start one build for everything that is missing', async () => {
    expect(await failures(of('b'), of('a'))).toEqual({});
    expect(built()).toEqual([['a', 'b']]);
  });

  test('start no build when nothing is missing', async () => {
    world.target = { app: target({ 1: 1 }) };
    expect(await failures(of('app'))).toEqual({});
    expect(built()).toEqual([]);
  });

  test('leave packages out of the build in which nothing is missing', async () => {
    world.target = { app: target({ 1: 1 }) };
    await failures(of('app'), of('other'));
    expect(built()).toEqual([['other']]);
  });

  test('a tag that has to move is missing, too', async () => {
    world.target = { app: target({ 1: 2 }, 1) };
    await failures(of('app'));
    expect(built()).toEqual([['app']]);
  });

  test('of one package are one piece of work', async () => {
    world.source = { app: [[version(3, '1'), version(2), version(1)]] };
    expect(await failures(of('app', { digest: digest(1) }), of('app', { digest: digest(2) }), of('app', { digest: digest(3) }))).toEqual({});
    expect(world.looks).toEqual(['app']);
    expect(built()).toEqual([['app']]);
  });

  test('split over several builds when the names are too long for one', async () => {
    const names = Array.from({ length: 40 }, (_, n) => `${'x'.repeat(200)}${n}`);
    expect(await failures(...names.map(name => of(name)))).toEqual({});
    expect(built().flat().sort()).toEqual([...names].sort());
    expect(built().length).toBeGreaterThan(1);
  });

  test('of a duplicate delivery ask for the same build, which CodeBuild has already', async () => {
    await failures(of('app'));
    await failures(of('app'));
    expect(new Set(world.builds.map(({ idempotencyToken }) => idempotencyToken)).size).toBe(1);
  });

  test('a name that ECR does not accept starts no build', async () => {
    expect(await failures(of('a___b'))).toEqual({});
    expect(built()).toEqual([]);
  });

  test('nothing to do is no failure', async () => {
    expect(await failures()).toEqual({});
  });

  test('log what is planned, and for which deliveries', async () => {
    world.source = { app: [[version(2, '2'), version(1, '1'), version(9)]] };
    world.target = { app: target({}, 1) };
    await failures(of('app', { delivery: 'd1' }), of('app', { delivery: 'd2' }), of('app', { delivery: 'd1' }));
    expect(world.log.lines).toContainEqual({
      level: 'info',
      message: 'Planned.',
      detail: { package: 'app', copy: 1, tag: 1, unchanged: 0, conflicts: [], skipped: { untagged: 1 }, deliveries: ['d1', 'd2'] },
    });
    expect(world.log.lines).toContainEqual({ level: 'info', message: 'Build started.', detail: { build: 'mirror:1', packages: ['app'] } });
  });
});

describe('what is read of a package', () => {
  test.each<[string, Parameters<typeof batch>, readonly string[]]>([
    ['the announced digests, when deliveries alone ask', [of('app', { digest: digest(1) }), of('app', { digest: digest(2) })], [digest(1), digest(2)]],
    ['everything, when the schedule asks', [of('app')], []],
    ['everything, when the schedule and a delivery ask', [of('app', { digest: digest(1) }), of('app')], []],
  ])('%s', async (_, messages, announced) => {
    world.source = { app: [[version(2, '2'), version(1, '1')]] };
    await failures(...messages);
    expect(world.announced).toEqual([announced]);
  });
});

describe('failures stay with the messages of their package', () => {
  test('fails the messages of a package whose listing fails, and builds the others', async () => {
    world.source = { bad: [new Error('GitHub answered 500')] };
    expect(await failures(of('bad'), of('good'), of('bad'))).toEqual({ m1: 'GitHub answered 500', m3: 'GitHub answered 500' });
    expect(built()).toEqual([['good']]);
  });

  test('fails exactly the messages of the build that did not start', async () => {
    const long = Array.from({ length: 30 }, (_, n) => `a${'x'.repeat(200)}${n + 10}`);
    world.refuse = ({ packages }) => packages.includes('zz') ? new Error('no build today') : undefined;
    const failed = await failures(...long.map(name => of(name)), of('zz'), of('zz'));
    const refused = world.builds.find(({ packages }) => packages.includes('zz'))?.packages ?? [];
    expect(refused.length).toBeLessThan(31);
    const expected = [...long, 'zz', 'zz'].flatMap((name, at) => refused.includes(name) ? [[`m${at + 1}`, 'no build today']] : []);
    expect(failed).toEqual(Object.fromEntries(expected));
  });

  test('fails with an error even when something else was thrown', async () => {
    world.refuse = () => 'text' as unknown as Error;
    const failed = await dispatch(batch(of('app')), world);
    expect(failed.get('m1')).toBeInstanceOf(Error);
  });

  test('fails no message when a package of a full batch fails, but its own', async () => {
    const names = Array.from({ length: 100 }, (_, n) => `p${n}`);
    world.source = { p57: [new Error('broken')] };
    expect(await failures(...names.map(name => of(name)))).toEqual({ m58: 'broken' });
    expect(built().flat()).toHaveLength(99);
  });
});

describe('an organization message', () => {
  const organization = { kind: 'organization' } as const;
  const names = (count: number): string[] => Array.from({ length: count }, (_, n) => `app-${n}`);

  test('starts one build for everything that is missing', async () => {
    world.packages = ['same', 'app', 'team/tool'];
    world.target = { same: target({ 1: 1 }) };
    expect(await failures(organization)).toEqual({});
    expect(built()).toEqual([['app', 'team/tool']]);
    expect(world.sent).toEqual([]);
  });

  test('is about whole packages, once, however often it comes and whatever a delivery announced', async () => {
    world.packages = ['app'];
    world.source = { app: [[version(2, '2'), version(1, '1')]] };
    expect(await failures(organization, of('app', { digest: digest(1), delivery: 'd1' }), organization)).toEqual({});
    expect(world.announced).toEqual([[]]);
    expect(built()).toEqual([['app']]);
  });

  test('comes after what was pushed a moment ago, which has a build of its own', async () => {
    world.packages = ['a', 'b', 'pushed'];
    expect(await failures(organization, of('pushed', { digest: digest(1) }))).toEqual({});
    expect(world.looks[0]).toBe('pushed');
    expect(built()).toEqual([['pushed'], ['a', 'b']]);
  });

  test('leaves what is too much for one go to messages of their own', async () => {
    world.packages = names(130);
    expect(await failures(organization)).toEqual({});
    expect(built().flat()).toHaveLength(100);
    expect(world.sent).toEqual(names(130).slice(100).map(name => ({ kind: 'package', package: name })));
  });

  test('leaves what takes too long to messages of their own', async () => {
    world.packages = names(40);
    const { planPackage } = world;
    const slow = { ...world, planPackage: (...args: Parameters<typeof planPackage>) => { world.time.pass(3_000); return planPackage(...args); } };
    expect(await dispatch(batch(organization), slow)).toEqual(new Map());
    expect(built().flat()).toHaveLength(20);
    expect(world.sent).toHaveLength(20);
  });

  test('never leaves a delivery for later', async () => {
    world.packages = names(3);
    const late = { ...world, now: () => { world.time.pass(60_000); return world.time.now(); } };
    expect(await dispatch(batch(organization, of('app-1')), late)).toEqual(new Map());
    expect(built()).toEqual([['app-1']]);
    expect(world.sent.map(message => message.package)).toEqual(['app-0', 'app-2']);
  });

  test('of an empty organization is done', async () => {
    expect(await failures(organization)).toEqual({});
    expect([world.sent, built()]).toEqual([[], []]);
  });

  test('tries a package that fails again by a message, and goes on with the others', async () => {
    world.packages = ['app', 'bad'];
    world.source = { bad: [new Error('GitHub answered 502')] };
    expect(await failures(organization)).toEqual({});
    expect(built()).toEqual([['app']]);
    expect(world.sent).toEqual([{ kind: 'package', package: 'bad' }]);
    expect(world.log.lines).toContainEqual(expect.objectContaining({ level: 'warn', message: 'Package failed: trying it again by a message of its own.' }));
  });

  test('tries packages whose build does not start again by messages', async () => {
    world.packages = ['app', 'tool'];
    world.refuse = () => new Error('no builds');
    expect(await failures(organization)).toEqual({});
    expect(world.sent.map(message => message.package)).toEqual(['app', 'tool']);
  });

  test('fails when what is left can not be sent: it comes back', async () => {
    world.packages = names(101);
    const full = { ...world, send: () => Promise.reject(new Error('the queue refused')) };
    expect([...await dispatch(batch(organization), full)].map(([id, { message }]) => [id, message])).toEqual([['m1', 'the queue refused']]);
  });

  test('fails alone when the listing fails', async () => {
    world.packages = new Error('GitHub answered 401');
    expect(await failures(organization, of('app'), organization)).toEqual({ m1: 'GitHub answered 401', m3: 'GitHub answered 401' });
    expect(built()).toEqual([['app']]);
  });
});

describe('a listing that trails behind the delivery', () => {
  const late = of('app', { digest: digest(2) });

  test('is looked at again after a moment', async () => {
    world.source = { app: [[version(1, '1')], [version(2, '2'), version(1, '1')]] };
    world.target = { app: target({ 1: 1 }) };
    expect(await failures(late)).toEqual({});
    expect(world.looks).toHaveLength(2);
    expect(world.time.slept).toHaveLength(1);
    expect(built()).toEqual([['app']]);
  });

  test('is not waited for when it holds every digest', async () => {
    world.source = { app: [[version(2, '2')]] };
    await failures(late);
    expect(world.time.slept).toEqual([]);
  });

  test('is not waited for when no digest was announced', async () => {
    world.source = { app: [[]] };
    await failures(of('app'));
    expect(world.time.slept).toEqual([]);
  });

  test('fails after some looks, so that the queue brings the message again', async () => {
    expect(await failures(late)).toEqual({ m1: `GitHub announced ${digest(2)} of package "app" but does not list it yet: will look again.` });
    expect(built()).toEqual([]);
    expect(world.time.slept.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(30_000);
  });

  test('still fails when one of several messages is new', async () => {
    expect(Object.keys(await failures({ ...late, receives: 5 }, of('app', { digest: digest(3), receives: 1 })))).toEqual(['m1', 'm2']);
  });

  test('is given up in the end: the version was deleted, and what else is missing is built', async () => {
    expect(await failures({ ...late, receives: 3 })).toEqual({});
    expect(built()).toEqual([['app']]);
    expect(world.log.lines).toContainEqual(expect.objectContaining({ level: 'warn', detail: { package: 'app', digests: [digest(2)] } }));
  });

  test('is waited for even when the schedule asks for the whole package at the same time', async () => {
    expect(Object.keys(await failures(late, of('app')))).toEqual(['m1', 'm2']);
    expect(built()).toEqual([]);
  });

  test('does not hold up other packages', async () => {
    expect(Object.keys(await failures(late, of('other')))).toEqual(['m1']);
    expect(built()).toEqual([['other']]);
  });
});
