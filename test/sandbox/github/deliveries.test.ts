import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createHook, events, image, index, Receiver, sign, start, startReceiver } from './testing';
import type { GitHub } from '../../../sandbox/github/index';
import { selfSigned } from '../../../sandbox/github/self-signed';

let github: GitHub;
let receiver: Receiver;

beforeEach(async () => { receiver = await startReceiver(); });
afterEach(async () => {
  await github.close();
  await receiver.close();
});

interface Part {
  readonly name: string;
  readonly namespace: string;
  readonly package_version: {
    readonly version: string;
    readonly package_url: string;
    readonly container_metadata: { readonly tag: object; readonly manifest: object };
  };
}

interface Payload { readonly action: string; readonly package: Part }

const payloads = (): Payload[] => events(receiver).map(({ body }) => JSON.parse(body.toString()) as Payload);
const digests = (): string[] => payloads().map(payload => payload.package.package_version.version);

describe('a push', () => {
  test('is one delivery per manifest: children without tag, an index without config', async () => {
    github = await start();
    await createHook(github, receiver.url);
    const child = image('my-org/app', undefined);
    const parent = index('my-org/app', '1.0', [child]);
    [child, parent].forEach(put => github.recordPush(put));
    await github.idle();

    const byDigest = new Map(payloads().map(payload => [payload.package.package_version.version, payload]));
    expect(byDigest.size).toBe(2);
    expect(byDigest.get(child.digest)).toMatchObject({
      action: 'published',
      package: {
        name: 'app',
        namespace: 'my-org',
        package_type: 'CONTAINER',
        ecosystem: 'CONTAINER',
        registry: { type: 'CONTAINER' },
        package_version: {
          name: child.digest,
          package_url: 'ghcr.io/my-org/app:',
          created_at: '0001-01-01T00:00:00Z',
          container_metadata: {
            tag: { name: '', digest: child.digest },
            manifest: { digest: child.digest, media_type: child.mediaType },
          },
        },
      },
      organization: { login: 'My-Org' },
      repository: { full_name: 'My-Org/app' },
    });
    expect(byDigest.get(parent.digest)).toMatchObject({
      package: {
        package_version: {
          package_url: 'ghcr.io/my-org/app:1.0',
          container_metadata: {
            tag: { name: '1.0', digest: parent.digest },
            labels: {
              all_labels: {
                'github.internal.platforms': JSON.stringify([{
                  digest: child.digest,
                  architecture: 'amd64',
                  os: 'linux',
                }]),
              },
            },
            manifest: { config: { digest: '', media_type: '', size: 0 }, layers: [] },
          },
        },
      },
    });
  });

  test('of several tags at once names one of them', async () => {
    github = await start({ tagWindowMs: 30 });
    await createHook(github, receiver.url);
    ['1', '1.0', 'latest'].forEach(tag => github.recordPush(image('my-org/app', tag)));
    await github.idle();
    expect(payloads()).toMatchObject([{
      action: 'published',
      package: { package_version: { container_metadata: { tag: { name: 'latest' } } } },
    }]);
  });

  test('of a known digest under a further tag is an update', async () => {
    github = await start();
    await createHook(github, receiver.url);
    for (const tag of ['1', '2']) {
      github.recordPush(image('my-org/app', tag));
      await github.idle();
    }
    expect(payloads().map(({ action }) => action)).toEqual(['published', 'updated']);
  });

  test('reaches registry_package under its own key, and a hook with both events twice', async () => {
    github = await start();
    await createHook(github, receiver.url, { events: ['package', 'registry_package'] });
    github.recordPush(image('my-org/app', '1'));
    await github.idle();
    const keys = events(receiver)
      .map(({ event, body }) => [event, Object.keys(JSON.parse(body.toString()) as object)[1]]);
    expect(keys.sort()).toEqual([['package', 'package'], ['registry_package', 'registry_package']]);
  });

  test('reaches no inactive hook, and none of other events', async () => {
    github = await start();
    await createHook(github, `${receiver.url}/inactive`, { active: false });
    await createHook(github, `${receiver.url}/push`, { events: ['push'] });
    github.recordPush(image('my-org/app', '1'));
    await github.idle();
    expect(events(receiver)).toEqual([]);
  });

  test('of an unlinked package may be silent, and has no repository otherwise', async () => {
    for (const unlinkedPackages of ['silent', 'deliver'] as const) {
      github = await start({ linkRepositories: 'none', unlinkedPackages });
      await createHook(github, receiver.url);
      github.recordPush(image('my-org/app', '1'));
      await github.idle();
      if (unlinkedPackages === 'silent') { await github.close(); }
    }
    expect(payloads()).toHaveLength(1);
    expect(payloads()[0]).not.toHaveProperty('repository');
  });
});

describe('a delivery', () => {
  test('has the headers of GitHub', async () => {
    github = await start();
    const id = await createHook(github, receiver.url);
    github.recordPush(image('my-org/app', '1'));
    await github.idle();
    const [{ headers, body }] = events(receiver);
    expect(headers).toMatchObject({
      'user-agent': expect.stringMatching(/^GitHub-Hookshot\/[0-9a-f]{7}$/),
      'content-type': 'application/json',
      'accept': '*/*',
      'x-github-event': 'package',
      'x-github-delivery': expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      'x-github-hook-id': String(id),
      'x-github-hook-installation-target-type': 'organization',
      'x-github-hook-installation-target-id': '170000001',
      'x-hub-signature': expect.stringMatching(/^sha1=[0-9a-f]{40}$/),
      'x-hub-signature-256': sign('s3cret', body),
      'content-length': String(body.length),
    });
  });

  test.each(['form', 'application/json'])('with content type %s is a '
    + 'form, signed as it is sent', async content_type => {
    github = await start();
    await createHook(github, receiver.url, { config: { content_type } });
    github.recordPush(image('my-org/app', '1'));
    await github.idle();
    const [{ headers, body }] = events(receiver);
    expect(headers['content-type']).toBe('application/x-www-form-urlencoded');
    expect(headers['x-hub-signature-256']).toBe(sign('s3cret', body));
    expect(JSON.parse(new URLSearchParams(body.toString()).get('payload') ?? ''))
      .toMatchObject({ action: 'published' });
  });

  test('fails when the receiver is gone, and is not tried again', async () => {
    github = await start();
    const id = await createHook(github, 'http://127.0.0.1:1/');
    expect(await github.ping(id)).toMatchObject({
      status: 'failed to connect to host',
      statusCode: 502,
      response: { headers: null, payload: null },
    });
    await github.idle();
    expect(github.deliveries).toHaveLength(2);
  });

  test('fails when the receiver takes longer than the timeout', async () => {
    github = await start({ deliveryTimeoutMs: 30 });
    receiver.delayMs = 5_000;
    const id = await createHook(github, receiver.url);
    expect(await github.ping(id)).toMatchObject({ status: 'timed out', statusCode: 504 });
  });

  test('fails on a redirect, which is not followed', async () => {
    github = await start();
    receiver.status = 307;
    receiver.answerHeaders = { location: `${receiver.url}/elsewhere` };
    const id = await createHook(github, receiver.url);
    await github.idle();
    expect(await github.ping(id)).toMatchObject({ status: 'Invalid HTTP Response: 307', statusCode: 307 });
    expect(receiver.requests.map(({ path }) => path)).toEqual(['/', '/']);
  });

  test.each([
    ['0', { status: 'peer certificate cannot be authenticated with given CA certificates', statusCode: 502 }],
    ['1', { status: 'OK', statusCode: 200 }],
  ])('with insecure_ssl %s to a certificate that nobody trusts ends with %j', async (insecure_ssl, outcome) => {
    github = await start();
    const server = createServer(selfSigned(), (_, response) => { response.end(); });
    await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve); });
    try {
      const id = await createHook(github, `https://127.0.0.1:${(server.address() as AddressInfo).port}/`, { config: { insecure_ssl } });
      await github.idle();
      expect(await github.ping(id)).toMatchObject(outcome);
    } finally {
      server.closeAllConnections();
      await new Promise(resolve => { server.close(resolve); });
    }
  });

  test('fails without noise when GitHub closes meanwhile', async () => {
    github = await start({ deliveryDelayMs: 60_000 });
    await createHook(github, receiver.url);
    await github.close();
    expect(github.deliveries).toMatchObject([{ statusCode: 502 }]);
    github = await start();
  });
});

test('a delivery waits for a time drawn from the range', async () => {
  const slept: number[] = [];
  const clock = {
    now: () => Date.now(),
    // The timeout of the delivery never comes.
    sleep: (ms: number) => ms === 10_000 ? new Promise<void>(() => undefined) : Promise.resolve(void slept.push(ms)),
  };
  github = await start({ clock, deliveryDelayMs: [1_000, 3_000], random: () => 0.5 });
  await createHook(github, receiver.url);
  await github.idle();
  expect(slept.filter(ms => ms > 0)).toEqual([2_000]);
});

describe('on demand', () => {
  test('deliveries come twice, with the same id', async () => {
    github = await start();
    await createHook(github, receiver.url);
    github.duplicateDeliveries = 1;
    github.recordPush(image('my-org/app', '1'));
    await github.idle();
    const ids = events(receiver).map(({ headers }) => headers['x-github-delivery']);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
  });

  test.each([
    ['arrival', [0, 1, 2]],
    ['reversed', [2, 1, 0]],
  ] as const)('deliveries pile up and come in %s order', async (order, expected) => {
    github = await start();
    await createHook(github, receiver.url);
    await github.idle();
    github.hold();
    const puts = ['a', 'b', 'c'].map(name => image('my-org/app', name, name));
    for (const put of puts) {
      github.recordPush(put);
      await github.idle();
    }
    expect(events(receiver)).toEqual([]);
    await github.release(order);
    expect(digests()).toEqual(expected.map(position => puts[position].digest));
  });

  test('any payload goes to a hook, signed', async () => {
    github = await start();
    const id = await createHook(github, receiver.url);
    await github.deliver('package_v2', { action: 'create' }, { hookId: id });
    expect(events(receiver)).toMatchObject([{ event: 'package_v2', body: Buffer.from('{"action":"create"}') }]);
  });

  test('any bytes go to a hook, with headers changed or left out', async () => {
    github = await start();
    const id = await createHook(github, receiver.url);
    const delivery = await github.sendRaw(id, '{"broken', {
      headers: { 'X-Hub-Signature-256': undefined, 'Content-Type': 'text/plain' },
    });
    const [{ headers, body }] = events(receiver);
    expect(body.toString()).toBe('{"broken');
    expect(headers['x-hub-signature-256']).toBeUndefined();
    expect(headers['content-type']).toBe('text/plain');
    expect(delivery.request.payload).toBe('{"broken');
  });

  test('a logged delivery is sent again', async () => {
    github = await start();
    const id = await createHook(github, receiver.url);
    const { id: deliveryId, guid } = await github.ping(id);
    expect(await github.redeliver(deliveryId)).toMatchObject({ guid, redelivery: true, status: 'OK' });
  });

  test('fails to send through a hook that does not exist', async () => {
    github = await start();
    expect(() => github.ping(7)).toThrow('no hook 7; there are: none');
  });
});
