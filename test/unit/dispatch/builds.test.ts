import fc from 'fast-check';
import { buildRequests, PendingPackage } from '../../../lambda/dispatch/builds';
import { plan, SourceVersion } from '../../../lambda/shared/plan';
import { MAX_VARIABLE_LENGTH } from '../../../src/contract/environment';
import { version } from '../shared/samples';

function pending(name: string, ...source: SourceVersion[]): PendingPackage {
  return {
    package: name,
    plan: plan(`my-org/${name}`, source.length > 0 ? source : [version(1, '1')], undefined),
    look: 1,
  };
}

function token(...packages: PendingPackage[]): string {
  const [request, ...others] = buildRequests(packages, 'project', 'push');
  expect(others).toEqual([]);
  return request.idempotencyToken;
}

describe('distribution', () => {
  test('nothing pending needs no build', () => {
    expect(buildRequests([], 'project', 'push')).toEqual([]);
  });

  test('a few packages share one build, sorted', () => {
    expect(buildRequests([pending('team/tool'), pending('app')], 'project', 'push')).toEqual([
      { packages: ['app', 'team/tool'], variable: '["app","team/tool"]', purpose: 'push', idempotencyToken: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
    ]);
  });

  test('fills a variable to its last character', () => {
    // Brackets, and 372 names of 8 characters with quotes and comma: 2 + 372 * 11 = 4094, and
    // one comma too many is counted.
    const exactly = Array.from({ length: 372 }, (_, n) => pending(`p${String(n).padStart(7, '0')}`));
    expect(buildRequests(exactly, 'project', 'push').map(({ packages }) => packages.length)).toEqual([372]);
    expect(buildRequests([...exactly, pending('p9999999')], 'project', 'push').map(({ packages }) => packages.length))
      .toEqual([372, 1]);
  });

  test('CodeBuild takes a value of 4,096 characters', () => {
    expect(MAX_VARIABLE_LENGTH).toBe(4096);
  });

  test('every package once, no variable too long, as few builds as neighbours allow', () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-z0-9][a-z0-9/_"\\é-]{0,40}$/), { maxLength: 60 });
    fc.assert(fc.property(names, fc.integer({ min: 120, max: 600 }), (packages, limit) => {
      const requests = buildRequests(packages.map(name => pending(name)), 'project', 'push', limit);
      expect(requests.flatMap(request => request.packages).sort()).toEqual([...packages].sort());
      for (const request of requests) {
        expect(JSON.parse(request.variable)).toEqual(request.packages);
        expect(request.variable.length).toBeLessThanOrEqual(limit);
      }
      // Two neighbours that fit into one build would have been one.
      for (let at = 1; at < requests.length; at++) {
        expect(requests[at - 1].variable.length + JSON.stringify(requests[at].packages[0]).length + 1)
          .toBeGreaterThanOrEqual(limit);
      }
    }), { numRuns: 60 });
  });
});

describe('the idempotency token', () => {
  const one = pending('app', version(2, '2', 'latest'), version(1, '1'));

  test('is the same for the same work, in whatever order the packages come', () => {
    const names = ['a', 'b', 'c', 'd/e'];
    fc.assert(fc.property(fc.shuffledSubarray(names, { minLength: 4 }), order => {
      expect(token(...order.map(name => pending(name)))).toBe(token(...names.map(name => pending(name))));
    }), { numRuns: 24 });
  });

  test.each<[string, PendingPackage]>([
    ['another package', pending('app2', version(2, '2', 'latest'), version(1, '1'))],
    ['another digest', pending('app', version(3, '2', 'latest'), version(1, '1'))],
    ['another tag', pending('app', version(2, '2', 'edge'), version(1, '1'))],
    ['one tag less', pending('app', version(2, '2'), version(1, '1'))],
    ['one image less', pending('app', version(2, '2', 'latest'))],
    ['another repository',
      { package: 'app', plan: plan('else/app', [version(2, '2', 'latest'), version(1, '1')], undefined), look: 1 }],
    ['a tag of an image that ECR has, where that was to be copied', {
      package: 'app',
      plan: plan('my-org/app', [version(2, '2', 'latest'), version(1, '1')], {
        digests: new Set([version(2).digest]),
        tags: new Map(),
      }),
      look: 1,
    }],
    ['a later look', { ...one, look: 2 }],
  ])('differs for %s', (_, other) => {
    expect(token(other)).not.toBe(token(one));
  });

  test('differs when another package joins', () => {
    expect(token(one, pending('b'))).not.toBe(token(one));
  });

  test('is the same when only tags that are right already differ', () => {
    const held = { digests: new Set([version(1).digest]), tags: new Map([['1', version(1).digest]]) };
    const without = { package: 'app', plan: plan('my-org/app', [version(2, '2')], held), look: 1 };
    const withUnchanged = {
      package: 'app',
      plan: plan('my-org/app', [version(2, '2'), version(1, '1')], held),
      look: 1,
    };
    expect(token(withUnchanged)).toBe(token(without));
  });
});

test('two mirrors with the same work share no token: tokens are the account\'s', () => {
  const [one] = buildRequests([pending('app')], 'one', 'push');
  const [other] = buildRequests([pending('app')], 'other', 'push');
  expect(one.idempotencyToken).not.toBe(other.idempotencyToken);
});
