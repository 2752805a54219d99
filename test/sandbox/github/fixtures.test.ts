import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHook, events, image, index, Receiver, start, startReceiver } from './testing';
import type { GitHub } from '../../../sandbox/github/index';

const DIRECTORY = join(__dirname, '../../../sandbox/github/fixtures');

function fixture(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(DIRECTORY, `${name}.json`), 'utf8')) as Record<string, unknown>;
}

/** Every path to a value, without the values: the shape. */
function shape(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) { return [...new Set(value.flatMap(item => shape(item, `${path}[]`)))]; }
  if (typeof value !== 'object' || value === null) { return [path]; }
  return Object.entries(value).flatMap(([key, part]) => shape(part, `${path}.${key}`)).sort();
}

test('there is one fixture for every kind of payload that a parser meets', () => {
  expect(readdirSync(DIRECTORY).sort()).toEqual([
    'package-npm.json', 'package-null-version.json', 'package-published-index.json',
    'package-published-untagged-child.json', 'package-signature-tag.json', 'package-updated.json',
    'package-v2-create.json', 'ping-organization.json', 'registry-package-published.json',
  ]);
});

test.each([
  ['package-published-index', {
    action: 'published',
    package: { package_version: { container_metadata: { manifest: { config: { digest: '' } } } } },
  }],
  ['package-published-untagged-child', {
    package: {
      package_version: { package_url: expect.stringMatching(/:$/), container_metadata: { tag: { name: '' } } },
    },
  }],
  ['registry-package-published', { registry_package: { name: 'tools/builder', namespace: 'my-org' } }],
  ['package-v2-create', { action: 'create', package: expect.not.objectContaining({ owner: expect.anything() }) }],
  ['package-npm', { package: { package_type: 'npm' } }],
  ['ping-organization', { zen: expect.any(String), hook: { config: { secret: '********' } } }],
  ['package-null-version', { package: { package_version: null } }],
  ['package-signature-tag', { package: { package_version: { container_metadata: { tag: { name: expect.stringMatching(/^sha256-[0-9a-f]{64}$/) } } } } }],
  ['package-updated', { action: 'updated' }],
])('%s is what its name says, of the organization My-Org', (name, content) => {
  expect(fixture(name)).toMatchObject({ ...content, organization: { login: 'My-Org' } });
});

describe('what the stand-in delivers has the shape of the fixtures', () => {
  let github: GitHub;
  let receiver: Receiver;

  beforeEach(async () => {
    receiver = await startReceiver();
    github = await start();
  });
  afterEach(async () => {
    await github.close();
    await receiver.close();
  });

  test.each([
    ['package-published-index', ['package'], '1.0'],
    ['package-published-untagged-child', ['package'], undefined],
  ])('%s', async (name, subscribed, tag) => {
    await createHook(github, receiver.url, { events: subscribed });
    const child = image('my-org/app', undefined);
    github.recordPush(tag === undefined ? child : index('my-org/app', tag, [child]));
    await github.idle();
    expect(shape(JSON.parse(events(receiver)[0].body.toString()))).toEqual(shape(fixture(name)));
  });

  test('ping-organization', async () => {
    await createHook(github, receiver.url);
    await github.idle();
    expect(shape(JSON.parse(receiver.received[0].body.toString()))).toEqual(shape(fixture('ping-organization')));
  });
});
