import fc from 'fast-check';
import { digest, fixture, Payload } from './samples';
import { parsePackageEvent } from '../../../lambda/shared/package-event';

const INDEX = 'sha256:f02fe76d57378c2e4daefcd9dac2191dcd12504dacef84df34ea21a26233c907';
const CHILD = 'sha256:179c3fdf9290b6721043688e35de649f6b77d5cab7c0d914ae1b915f96f160e3';
const SIGNATURE = 'sha256:d97b14af4f828c3f2acf75998c8e3921d189f587db15f16544329b8d7f99c3e8';

function event(changes: Payload = {}, subject: Payload = {}): Payload {
  return {
    action: 'published',
    package: { name: 'app', package_type: 'CONTAINER', ...subject },
    organization: { login: 'my-org' },
    ...changes,
  };
}

function parse(payload: unknown, name = 'package'): ReturnType<typeof parsePackageEvent> {
  return parsePackageEvent(name, payload, 'my-org');
}

describe("GitHub's payloads", () => {
  test.each([
    ['package', 'package-published-index', { package: 'app', digest: INDEX, tag: '1.4.0' }],
    ['package', 'package-published-untagged-child', { package: 'app', digest: CHILD }],
    ['package', 'package-updated', { package: 'app', digest: INDEX, tag: 'latest' }],
    ['package', 'package-null-version', { package: 'app' }],
    ['package', 'package-signature-tag', { package: 'app', digest: SIGNATURE, tag: INDEX.replace(':', '-') }],
    ['package_v2', 'package-v2-create', { package: 'app', digest: INDEX, tag: 'edge' }],
    ['registry_package', 'registry-package-published', {
      package: 'tools/builder',
      digest: 'sha256:97133731792d22ed9e8832dc4dd17144c9b8fc6914005f45600962cc0f08f414',
      tag: 'main',
    }],
  ])('%s: %s means a change', (name, file, expected) => {
    expect(parse(fixture(file), name)).toEqual({ kind: 'changed', ...expected });
  });

  test('an npm package is ignored', () => {
    expect(parse(fixture('package-npm'))).toEqual({ kind: 'ignored', reason: 'package type "npm" is not a container' });
  });

  test('a ping is ignored', () => {
    expect(parse(fixture('ping-organization'), 'ping'))
      .toEqual({ kind: 'ignored', reason: 'event "ping" is not about packages' });
  });

  test('another organization than the mirrored one is ignored', () => {
    expect(parsePackageEvent('package', fixture('package-published-index'), 'else')).toEqual({
      kind: 'ignored', reason: 'organization "My-Org" is not mirrored here',
    });
  });
});

describe('what is ignored', () => {
  test.each([
    ['another event', event(), 'push', 'event "push"'],
    ['an event that only inherits its name', event(), 'constructor', 'event "constructor"'],
    ['a deletion', event({ action: 'deleted' }), 'package', 'action "deleted"'],
    ['an action of package_v2 alone', event({ action: 'create' }), 'package', 'action "create"'],
    ['a type in lower case', event({}, { package_type: 'npm' }), 'package', 'package type "npm"'],
    ['a type that only "ecosystem" tells', event({}, { package_type: undefined, ecosystem: 'MAVEN' }), 'package',
      'package type "MAVEN"'],
    ['a type that only the registry tells', event({}, { package_type: null, registry: { type: 'nuget' } }), 'package',
      'package type "nuget"'],
    ['an organization that begins alike', event({ organization: { login: 'my-org-2' } }), 'package',
      'organization "my-org-2"'],
    ['an owner, when nothing names the organization', event({ organization: undefined }, { owner: { login: 'else' } }),
      'package', 'organization "else"'],
  ])('%s', (_, payload, name, reason) => {
    expect(parse(payload, name)).toEqual({ kind: 'ignored', reason: expect.stringContaining(reason) as string });
  });
});

describe('what is a change', () => {
  test.each<[string, Payload, object]>([
    ['organization and name alone',
      { action: 'published', package: { name: 'app' }, organization: { login: 'my-org' } }, { package: 'app' }],
    ['an organization in another case', event({ organization: { login: 'MY-ORG' } }), { package: 'app' }],
    ['an organization known by the owner', event({ organization: null }, { owner: { login: 'My-Org' } }),
      { package: 'app' }],
    ['an organization known by the namespace', event({ organization: {} }, { namespace: 'my-org' }),
      { package: 'app' }],
    ['a type in lower case', event({}, { package_type: 'container' }), { package: 'app' }],
    // payload-examples/api.github.com/package/published.payload.json of octokit/webhooks
    // contradicts itself in this way.
    ['an image whose registry alone says so',
      event({}, { package_type: 'npm', ecosystem: 'docker', registry: { type: 'CONTAINER' } }), { package: 'app' }],
    ['an image that only its metadata shows', event({}, {
      package_type: 'npm', ecosystem: 'docker', package_version: { container_metadata: { tag: { name: '2' } } },
    }), { package: 'app', tag: '2' }],
    ['a nested name', event({}, { name: 'team/tool/x' }), { package: 'team/tool/x' }],
    ['the digest as the name of the version', event({}, { package_version: { version: null, name: digest(1) } }),
      { package: 'app', digest: digest(1) }],
    ['a digest that only the tag knows', event({}, {
      package_version: { version: '12', container_metadata: { tag: { name: '1', digest: digest(2) } } },
    }), { package: 'app', digest: digest(2), tag: '1' }],
    ['a digest that only the manifest knows', event({}, {
      package_version: { container_metadata: { tag: {}, manifest: { digest: digest(3) } } },
    }), { package: 'app', digest: digest(3) }],
    ['fields of other types than documented',
      event({}, { owner: 'x', package_version: [], registry: 7, ecosystem: {} }), { package: 'app' }],
  ])('%s', (_, payload, expected) => {
    expect(parse(payload)).toEqual({ kind: 'changed', ...expected });
  });
});

describe('rejects', () => {
  test.each<[string, unknown, string]>([
    ['no object', 'text', 'not a JSON object'],
    ['null', null, 'not a JSON object'],
    ['a list', [event()], 'not a JSON object'],
    ['no package', event({ package: undefined }), 'neither "package" nor "registry_package"'],
    ['a package that is text', event({ package: 'app' }), 'neither "package" nor "registry_package"'],
    ['no name', event({}, { name: undefined }), '"name"'],
    ['an empty name', event({}, { name: '' }), '"name"'],
    ['a name that is a number', event({}, { name: 7 }), '"name"'],
    ['nothing that names the organization', event({ organization: undefined }), 'no organization'],
  ])('%s', (_, payload, reason) => {
    expect(parse(payload)).toEqual({ kind: 'malformed', reason: expect.stringContaining(reason) as string });
  });
});

describe('any field may be missing', () => {
  const SAMPLES = [
    ['package', 'package-published-index'], ['package', 'package-published-untagged-child'], ['package', 'package-npm'],
    [
      'package',
      'package-null-version',
    ], ['package_v2', 'package-v2-create'], ['registry_package', 'registry-package-published'],
  ] as const;
  /** What GitHub always sends. */
  const KEPT = [/^action$/, /^(registry_)?package$/, /^(registry_)?package\.name$/, /^organization$/, /^organization\.login$/];

  test.each(SAMPLES)('%s: %s without any others still is a change, or ignored', (name, file) => {
    const whole = fixture(file);
    const optional = paths(whole).filter(path => !KEPT.some(pattern => pattern.test(path)));
    expect(optional.length).toBeGreaterThan(20);
    const replacement = fc.constantFrom<unknown>(undefined, null, '', 0, [], {});
    fc.assert(fc.property(fc.subarray(optional, { minLength: 1 }), replacement, (removed, value) => {
      const payload = structuredClone(whole);
      removed.forEach(path => set(payload, path.split('.'), value));
      expect(['changed', 'ignored']).toContain(parse(payload, name).kind);
    }), { numRuns: 150 });
  });

  test.each(SAMPLES)('%s: %s is never misread: what a change names, the payload named', (name, file) => {
    const whole = fixture(file);
    const text = JSON.stringify(whole);
    fc.assert(fc.property(fc.subarray(paths(whole)), removed => {
      const payload = structuredClone(whole);
      removed.forEach(path => set(payload, path.split('.'), undefined));
      const event_ = parse(payload, name);
      if (event_.kind === 'changed') {
        expect(text).toContain(`"name":"${event_.package}"`);
        if (event_.digest !== undefined) { expect(text).toContain(event_.digest); }
      }
    }), { numRuns: 100 });
  });

  test('anything at all as a body never throws', () => {
    fc.assert(fc.property(fc.constantFrom('package', 'registry_package', 'package_v2', 'ping', ''), fc.jsonValue(), (
      name,
      payload,
    ) => {
      expect(['changed', 'ignored', 'malformed']).toContain(parse(payload, name).kind);
    }), { numRuns: 300 });
  });
});

test.each([
  ['action', { action: 'a\n'.repeat(500) }],
  ['organization',
    { package: { name: 'app', ecosystem: 'container' }, organization: { login: 'a\u2028'.repeat(500) } }],
  ['package type', { package: { name: 'app', ecosystem: '\u0085x'.repeat(500) } }],
])('a reason that names an endless %s of several lines is one short line', (_, payload) => {
  expect(parsePackageEvent('package', payload, 'My-Org')).toEqual({ kind: 'ignored', reason: expect.stringMatching(/^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]{10,600}$/) as string });
});

function paths(value: unknown, prefix = ''): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) { return []; }
  return Object.entries(value).flatMap(([key, child]) => [`${prefix}${key}`, ...paths(child, `${prefix}${key}.`)]);
}

function set(object: Payload, [key, ...rest]: string[], value: unknown): void {
  const child = object[key];
  if (rest.length === 0) {
    if (value === undefined) { delete object[key]; } else { object[key] = value; }
  } else if (typeof child === 'object' && child !== null) {
    set(child as Payload, rest, value);
  }
}
