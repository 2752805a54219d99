import { DispatchWorld, of, organization } from './dispatch-world';
import { digest, target, version } from '../shared/samples';

let world: DispatchWorld;
beforeEach(() => { world = new DispatchWorld(); });

describe('a message is done', () => {
  test('when nothing is missing', async () => {
    world.target = { app: target({ 1: 1 }) };
    expect(await world.dispatch(of('app'))).toEqual({});
    expect(world.built()).toEqual([]);
  });

  test('not when a build has started, but at a later look that finds nothing missing', async () => {
    expect(await world.dispatch(of('app'))).toEqual({ m1: 'build' });
    expect(world.built()).toEqual([['app']]);
    world.endBuilds('SUCCEEDED');
    world.target = { app: target({ 1: 1 }) };
    expect(await world.dispatch(of('app', { receives: 2 }))).toEqual({});
    expect(world.built()).toEqual([['app']]);
  });

  test('when the name is none that ECR accepts: nothing can be done', async () => {
    expect(await world.dispatch(of('a___b'))).toEqual({});
    expect(world.built()).toEqual([]);
    expect(world.log.lines).toContainEqual(expect.objectContaining({
      message: 'Planned.', detail: expect.objectContaining({ skipped: { 'invalid-repository-name': 1 } }) as object,
    }));
  });

  test('when an immutable tag is in the way, which is reported', async () => {
    world.target = { app: { ...target({ 1: 2 }, 1), mutability: { setting: 'IMMUTABLE', exclusions: [] } } };
    expect(await world.dispatch(of('app'))).toEqual({});
    expect(world.log.lines).toContainEqual(expect.objectContaining({
      detail: expect.objectContaining({ conflicts: [{ tag: '1', digest: digest(1), present: digest(2) }] }) as object,
    }));
  });

  test('when two builds succeeded that began after it, and the image is still missing: ECR refuses it', async () => {
    await world.dispatch(of('app'));
    world.endBuilds('SUCCEEDED');
    expect(await world.dispatch(of('app', { receives: 2 }))).toEqual({ m1: 'build' });
    world.endBuilds('SUCCEEDED');
    expect(await world.dispatch(of('app', { receives: 3 }))).toEqual({});
    expect(world.built()).toHaveLength(2);
    expect(world.log.lines).toContainEqual(expect.objectContaining({ level: 'error', message: expect.stringMatching(/^Given up: builds succeeded/) as string }));
  });

  test('of a batch without messages is nothing', async () => {
    expect(await world.dispatch()).toEqual({});
  });
});

describe('what is missing', () => {
  test('of all packages goes into one build', async () => {
    expect(await world.dispatch(of('b'), of('a'))).toEqual({ m1: 'build', m2: 'build' });
    expect(world.built()).toEqual([['a', 'b']]);
  });

  test('leaves packages out of the build in which nothing is', async () => {
    world.target = { app: target({ 1: 1 }) };
    expect(await world.dispatch(of('app'), of('other'))).toEqual({ m2: 'build' });
    expect(world.built()).toEqual([['other']]);
  });

  test('may be a tag that has to move', async () => {
    world.target = { app: target({ 1: 2 }, 1) };
    await world.dispatch(of('app'));
    expect(world.built()).toEqual([['app']]);
  });

  test('of one package is one piece of work', async () => {
    world.source = { app: [[version(3, '1'), version(2), version(1)]] };
    const messages = [1, 2, 3].map(n => of('app', { digest: digest(n) }));
    expect(await world.dispatch(...messages)).toEqual({ m1: 'build', m2: 'build', m3: 'build' });
    expect(world.looks).toEqual(['app']);
    expect(world.built()).toEqual([['app']]);
  });

  test('splits over several builds when the names are too long for one', async () => {
    const names = Array.from({ length: 40 }, (_, n) => `${'x'.repeat(200)}${n}`);
    await world.dispatch(...names.map(name => of(name)));
    expect(world.built().flat().sort()).toEqual([...names].sort());
    expect(world.built().length).toBeGreaterThan(1);
  });

  test('is logged, with the deliveries that asked', async () => {
    world.source = { app: [[version(2, '2'), version(1, '1'), version(9)]] };
    world.target = { app: target({}, 1) };
    await world.dispatch(of('app', { delivery: 'd1' }), of('app', { delivery: 'd2' }), of('app', { delivery: 'd1' }));
    expect(world.log.lines).toContainEqual({
      level: 'info',
      message: 'Planned.',
      detail: {
        package: 'app',
        purpose: 'push',
        copy: 1,
        tag: 1,
        unchanged: 0,
        conflicts: [],
        skipped: { untagged: 1 },
        deliveries: ['d1', 'd2'],
      },
    });
    expect(world.log.lines).toContainEqual({
      level: 'info',
      message: 'Build started.',
      detail: { build: 'mirror:1', packages: ['app'], purpose: 'push' },
    });
  });
});

describe('what is read of a package', () => {
  test.each<[string, ReturnType<typeof of>[], readonly string[]]>([
    ['the announced digests, when deliveries alone ask',
      [of('app', { digest: digest(1) }), of('app', { digest: digest(2) })], [digest(1), digest(2)]],
    ['everything, when a person asks', [of('app')], []],
    ['everything, when a reconcile and a delivery ask',
      [of('app', { digest: digest(1) }), of('app', { reconcile: true })], []],
  ])('%s', async (_, messages, announced) => {
    world.source = { app: [[version(2, '2'), version(1, '1')]] };
    await world.dispatch(...messages);
    expect(world.announced).toEqual([announced]);
  });
});

describe('a build under way', () => {
  test('that began after the message does its work: no second one starts, and nothing is planned', async () => {
    await world.dispatch(of('app'));
    world.planBuilds();
    expect(await world.dispatch(of('app', { receives: 2 }))).toEqual({ m1: 'build' });
    expect(world.built()).toHaveLength(1);
    expect(world.looks).toHaveLength(1);
  });

  test('that has not begun to plan does the work of a later push, too', async () => {
    await world.dispatch(of('app'));
    world.time.pass(5_000);
    expect(await world.dispatch(of('app', { digest: digest(1), sentAt: world.time.now() }))).toEqual({ m1: 'build' });
    expect(world.built()).toHaveLength(1);
  });

  test('that planned before a push does not do its work: another one starts', async () => {
    await world.dispatch(of('app'));
    world.planBuilds();
    world.time.pass(1);
    expect(await world.dispatch(of('app', { digest: digest(1), sentAt: world.time.now() }))).toEqual({ m1: 'build' });
    expect(world.built()).toEqual([['app'], ['app']]);
  });

  test('of all packages does the work of each', async () => {
    world.addBuild({ packages: undefined });
    expect(await world.dispatch(of('app'))).toEqual({ m1: 'build' });
    expect(world.built()).toEqual([]);
  });

  test('of other packages does not', async () => {
    world.addBuild({ packages: ['other'] });
    await world.dispatch(of('app'));
    expect(world.built()).toEqual([['app']]);
  });

  test('is asked for once in a batch, and not where nothing is missing', async () => {
    await world.dispatch(of('a'), of('b', { receives: 2 }), of('c', { reconcile: true }));
    expect(world.lists).toBe(1);
    world.target = { app: target({ 1: 1 }) };
    await world.dispatch(of('app'));
    expect(world.lists).toBe(1);
  });
});

describe('a build that failed', () => {
  test.each(['FAILED', 'STOPPED', 'TIMED_OUT', 'FAULT'])(
    'is followed by another at the next look (%s)',
    async status => {
      await world.dispatch(of('app'));
      world.endBuilds(status);
      expect(await world.dispatch(of('app', { receives: 2 }))).toEqual({ m1: 'build' });
      expect(world.built()).toEqual([['app'], ['app']]);
      expect(new Set(world.tokens()).size).toBe(2);
    },
  );

  test('again and again is followed by others after growing pauses', async () => {
    const starts: number[] = [];
    const begin = world.time.now();
    for (let minute = 0; minute < 300; minute++) {
      world.endBuilds('FAILED');
      const before = world.builds.length;
      await world.dispatch(of('app', { receives: minute + 1, sentAt: begin }));
      if (world.builds.length > before) { starts.push(minute); }
      world.time.pass(60_000);
    }
    expect(starts).toEqual([0, 1, 6, 15, 32, 65, 130, 251]);
  });
});

describe('failures stay with the messages of their package', () => {
  test('fails the messages of a package whose listing fails, and builds the others', async () => {
    world.source = { bad: [new Error('GitHub answered 500')] };
    expect(await world.dispatch(of('bad'), of('good'), of('bad')))
      .toEqual({ m1: 'GitHub answered 500', m2: 'build', m3: 'GitHub answered 500' });
    expect(world.built()).toEqual([['good']]);
  });

  test('fails exactly the messages of the build that did not start', async () => {
    const long = Array.from({ length: 30 }, (_, n) => `a${'x'.repeat(200)}${n + 10}`);
    world.refuse = ({ packages }) => packages.includes('zz') ? new Error('no build today') : undefined;
    const stay = await world.dispatch(...long.map(name => of(name)), of('zz'), of('zz'));
    const refused = world.builds.find(({ packages }) => packages.includes('zz'))?.packages ?? [];
    expect(refused.length).toBeLessThan(31);
    const expected = [...long, 'zz', 'zz']
      .map((name, at) => [`m${at + 1}`, refused.includes(name) ? 'no build today' : 'build']);
    expect(stay).toEqual(Object.fromEntries(expected));
  });

  test('fails the messages of what is missing when the builds can not be listed', async () => {
    world.target = { same: target({ 1: 1 }) };
    world.listBuilds = () => Promise.reject(new Error('CodeBuild answered 500'));
    expect(await world.dispatch(of('app'), of('same'))).toEqual({ m1: 'CodeBuild answered 500' });
  });

  test('fails with an error even when something else was thrown', async () => {
    world.refuse = () => 'text' as unknown as Error;
    expect(await world.dispatch(of('app'))).toEqual({ m1: 'text' });
  });

  test('fails no message when a package of a full batch fails, but its own', async () => {
    const names = Array.from({ length: 100 }, (_, n) => `p${n}`);
    world.source = { p57: [new Error('broken')] };
    const stay = await world.dispatch(...names.map(name => of(name)));
    expect(Object.entries(stay).filter(([, why]) => why !== 'build')).toEqual([['m58', 'broken']]);
    expect(world.built().flat()).toHaveLength(99);
  });
});

describe('a package that takes long', () => {
  const names = Array.from({ length: 100 }, (_, n) => `p${n}`);

  test('stops no other: 99 of 100 start in the same invocation, and it is given up for now', async () => {
    world.slow = { p0: 320_000 };
    const stay = await world.dispatch(...names.map(name => of(name)));
    expect(world.built()).toEqual([names.slice(1).sort()]);
    expect(stay.m1).toMatch(/inventories within 45 s: will try again/);
    expect(world.time.now() - world.begin).toBeLessThan(100_000);
  });

  test('has a build of its own, after the others have started', async () => {
    world.slow = { p0: 30_000 };
    const started: number[] = [];
    world.onStart = () => started.push(world.time.now() - world.begin);
    await world.dispatch(of('p0'), of('p1'));
    expect(world.built()).toEqual([['p1'], ['p0']]);
    expect(started[0]).toBeLessThan(15_000);
  });

  test('can be every one of them: the function ends within its five minutes', async () => {
    world.slow = Object.fromEntries(names.map(name => [name, 320_000]));
    world.packages = names;
    await world.dispatch(...names.map(name => of(name)), organization());
    expect(world.time.now() - world.begin).toBeLessThan(240_000);
  });
});

describe('a package that is gone, or that the token may not read', () => {
  beforeEach(() => { world.source = { app: [world.gone()] }; });

  test('is waited for while its delivery is new: GitHub can be late', async () => {
    expect(await world.dispatch(of('app', { digest: digest(1) }))).toEqual({ m1: 'unlisted' });
    expect(world.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test.each([['long after its delivery', { digest: digest(1), sentAt: -46 * 60_000 }], ['when a reconcile asks', {
    reconcile: true as const,
  }]])(
    'is done %s, with one line', async (_, message) => {
      const sentAt = 'sentAt' in message ? world.time.now() + message.sentAt : undefined;
      expect(await world.dispatch(of('app', { ...message, sentAt }))).toEqual({});
      expect(world.log.lines.filter(({ level }) => level === 'error')).toEqual([
        {
          level: 'error',
          message: 'Package left out: GitHub shows it no more, or not to this token.',
          detail: { package: 'app', error: world.gone() },
        },
      ]);
    });
});

describe('a digest that GitHub does not list yet', () => {
  test('is waited for, and what is listed goes ahead', async () => {
    world.source = { app: [[version(1, '1')]] };
    expect(await world.dispatch(of('app', { digest: digest(1) }), of('app', { digest: digest(2) })))
      .toEqual({ m1: 'build', m2: 'unlisted' });
    expect(world.built()).toEqual([['app']]);
  });

  test('does not hold up the message of one in which nothing is missing', async () => {
    world.source = { app: [[version(1, '1')]] };
    world.target = { app: target({ 1: 1 }) };
    expect(await world.dispatch(of('app', { digest: digest(1) }), of('app', { digest: digest(2) })))
      .toEqual({ m2: 'unlisted' });
  });

  test('starts its build once it is listed', async () => {
    world.source = { app: [[version(1, '1')], [version(1, '1')], [version(2, '2'), version(1, '1')]] };
    world.target = { app: target({ 1: 1 }) };
    const late = (receives: number) => of('app', { digest: digest(2), receives, sentAt: world.begin });
    expect(await world.dispatch(late(1))).toEqual({ m1: 'unlisted' });
    world.time.pass(90_000);
    expect(await world.dispatch(late(5))).toEqual({ m1: 'unlisted' });
    expect(await world.dispatch(late(6))).toEqual({ m1: 'build' });
    expect(world.built()).toEqual([['app']]);
  });

  test('was deleted when it is not listed for long: done, with one line', async () => {
    world.source = { app: [[version(1, '1')]] };
    world.target = { app: target({ 1: 1 }) };
    expect(await world.dispatch(of('app', { digest: digest(2), sentAt: world.time.now() - 46 * 60_000 }))).toEqual({});
    expect(world.log.lines)
      .toContainEqual(expect.objectContaining({ level: 'warn', detail: { package: 'app', digests: [digest(2)] } }));
  });
});

describe('GitHub\'s budget', () => {
  test('is left to pushes when it runs low', async () => {
    world.spend(4_500);
    expect(await world.dispatch(of('old', { reconcile: true }), of('new'), organization()))
      .toEqual({ m1: 'budget', m2: 'build', m3: 'budget' });
    expect(world.looks).toEqual(['new']);
  });

  test('that is used up lets pushes wait, too, without an error', async () => {
    world.spend(5_000);
    expect(await world.dispatch(of('new'))).toEqual({ m1: 'budget' });
    expect(world.looks).toEqual([]);
  });

  test('that ends in mid-batch lets the rest wait', async () => {
    world.packages = Array.from({ length: 50 }, (_, n) => `p${n}`);
    world.requests = 100;
    await world.dispatch(organization());
    // 400 requests of reconciles in a minute, and those that were under way.
    expect(world.looks.length).toBeLessThanOrEqual(14);
    expect(world.sent).toHaveLength(50);
  });

  test('is asked for before a reconcile that knows nothing of it', async () => {
    world.known = false;
    await world.dispatch(of('app'));
    expect(world.refreshed).toBe(0);
    world.time.pass(60_000);
    await world.dispatch(of('app', { reconcile: true }));
    expect(world.refreshed).toBe(1);
  });

  test('refusals let everything wait until the reset', async () => {
    world.source = { app: [world.limited(600_000)] };
    expect(await world.dispatch(of('app'))).toEqual({ m1: 'budget' });
    expect(await world.dispatch(of('other'))).toEqual({ m1: 'budget' });
    world.time.pass(600_000);
    expect(await world.dispatch(of('other'))).toEqual({ m1: 'build' });
  });
});

describe('messages of a reconcile', () => {
  const old = (name: string, more = {}) => of(name, { reconcile: true, ...more });

  test('come after pushes, and have builds of their own', async () => {
    expect(await world.dispatch(old('a'), of('pushed'), old('b'))).toEqual({ m1: 'build', m2: 'build', m3: 'build' });
    expect(world.looks[0]).toBe('pushed');
    expect(world.built()).toEqual([['pushed'], ['a', 'b']]);
    expect(world.builds.map(({ purpose }) => purpose)).toEqual(['push', 'reconcile']);
  });

  test('wait for their turn while two builds of reconciles run; pushes do not', async () => {
    world.addBuild({ packages: ['x'], purpose: 'reconcile' });
    world.addBuild({ packages: ['y'], purpose: 'reconcile' });
    expect(await world.dispatch(old('a'), of('pushed'))).toEqual({ m1: 'turn', m2: 'build' });
    expect(world.built()).toEqual([['pushed']]);
  });

  test('that wait for their turn are planned once: the next look costs no request', async () => {
    world.addBuild({ packages: ['x'], purpose: 'reconcile' });
    world.addBuild({ packages: ['y'], purpose: 'reconcile' });
    await world.dispatch(old('a'));
    expect(await world.dispatch(old('a', { receives: 2 }))).toEqual({ m1: 'turn' });
    expect(world.looks).toEqual(['a']);
    world.endBuilds('SUCCEEDED');
    expect(await world.dispatch(old('a', { receives: 3 }))).toEqual({ m1: 'build' });
  });

  test('do not wait for builds of pushes', async () => {
    ['x', 'y', 'z'].forEach(name => world.addBuild({ packages: [name], purpose: 'push' }));
    expect(await world.dispatch(old('a'))).toEqual({ m1: 'build' });
  });

  test('are done when one build that began after them succeeded: what is left is refused by ECR', async () => {
    await world.dispatch(old('a'));
    world.endBuilds('SUCCEEDED');
    expect(await world.dispatch(old('a', { receives: 2 }))).toEqual({});
    expect(world.built()).toHaveLength(1);
  });

  test('wait for their turn when no build is to be had', async () => {
    world.refuse = () => new Error('quota');
    expect(await world.dispatch(old('a'))).toEqual({ m1: 'quota' });
  });
});

describe('an organization message', () => {
  const names = (count: number): string[] => Array.from({ length: count }, (_, n) => `app-${n}`);

  test('is done at once when nothing is missing', async () => {
    world.packages = names(120);
    world.target = Object.fromEntries(world.packages.map(name => [name, target({ 1: 1 })]));
    expect(await world.dispatch(organization())).toEqual({});
    expect([world.sent, world.built(), world.lists]).toEqual([[], [], 0]);
  });

  test('starts one build for everything that is missing, and leaves the look at it to messages', async () => {
    world.packages = ['same', 'app', 'team/tool'];
    world.target = { same: target({ 1: 1 }) };
    expect(await world.dispatch(organization())).toEqual({});
    expect(world.built()).toEqual([['app', 'team/tool']]);
    expect(world.sent).toEqual(
      ['app', 'team/tool'].map(name => ({ message: { kind: 'package', package: name, reconcile: true }, delay: 120 })),
    );
  });

  test('sends its messages before their build starts, so that the build is the work of them', async () => {
    world.packages = ['app'];
    const order: string[] = [];
    world.onStart = () => order.push('build');
    world.onSend = () => order.push('send');
    await world.dispatch(organization());
    expect(order).toEqual(['send', 'build']);
  });

  test('is about whole packages, once, however often it comes; what was pushed a moment ago goes first', async () => {
    world.packages = ['a', 'pushed'];
    expect(await world.dispatch(organization(), of('pushed', { digest: digest(1) }), organization()))
      .toEqual({ m2: 'build' });
    expect(world.looks).toEqual(['pushed', 'a', 'pushed']);
    expect(world.announced).toEqual([[digest(1)], [], []]);
    expect(world.built()).toEqual([['pushed'], ['a']]);
  });

  test('leaves what takes too long to messages of their own', async () => {
    world.packages = names(40);
    world.slow = Object.fromEntries(world.packages.map(name => [name, 15_000]));
    expect(await world.dispatch(organization())).toEqual({});
    expect(world.looks).toHaveLength(30);
    expect(world.sent).toHaveLength(40);
  });

  test('leaves a package that fails to a message of its own, and goes on with the others', async () => {
    world.packages = ['app', 'bad'];
    world.source = { bad: [new Error('GitHub answered 502')] };
    expect(await world.dispatch(organization())).toEqual({});
    expect(world.built()).toEqual([['app']]);
    expect(world.sent.map(({ message }) => message.package).sort()).toEqual(['app', 'bad']);
  });

  test('starts no more builds than two run', async () => {
    world.packages = ['app'];
    world.addBuild({ packages: ['x'], purpose: 'reconcile' });
    world.addBuild({ packages: ['y'], purpose: 'reconcile' });
    expect(await world.dispatch(organization())).toEqual({});
    expect([world.built(), world.sent.map(({ message }) => message.package)]).toEqual([[], ['app']]);
  });

  test('of an empty organization is done', async () => {
    expect(await world.dispatch(organization())).toEqual({});
    expect([world.sent, world.built()]).toEqual([[], []]);
  });

  test('waits while an earlier reconcile is under way, a day at the most', async () => {
    world.waiting = 501;
    world.packages = ['app'];
    expect(await world.dispatch(organization())).toEqual({ m1: 'turn' });
    expect(await world.dispatch(organization({ sentAt: world.time.now() - 25 * 3_600_000 }))).toEqual({});
  });

  test('fails when what is left can not be sent: it comes back, '
    + 'and no build starts that nobody looks after', async () => {
    world.packages = names(3);
    world.send = () => Promise.reject(new Error('the queue refused'));
    expect(await world.dispatch(organization())).toEqual({ m1: 'the queue refused' });
    expect(world.built()).toEqual([]);
  });

  test('fails alone when the organization can not be listed', async () => {
    world.packages = new Error('GitHub answered 401');
    expect(await world.dispatch(organization(), of('app'), of('old', { reconcile: true }), organization())).toEqual({
      m1: 'GitHub answered 401', m2: 'build', m3: 'build', m4: 'GitHub answered 401',
    });
  });
});
