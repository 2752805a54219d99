import { inspect } from 'node:util';
import { call, createHook, events, HOOKS, hookBody, image, Receiver, sign, start, startReceiver } from './testing';
import type { GitHub } from '../../../sandbox/github/index';

let github: GitHub;
let receiver: Receiver;

beforeEach(async () => { receiver = await startReceiver(); });
afterEach(async () => {
  await github.close();
  await receiver.close();
});

const post = (body: unknown, token = 'ghp_hooks') => call(github, token, HOOKS, { method: 'POST', body });

describe('creating', () => {
  test('answers with the hook, its secret masked, and pings it', async () => {
    github = await start();
    const { status, body, headers } = await post(hookBody(receiver.url));
    const url = `${github.url}/orgs/My-Org/hooks/${body?.id}`;
    expect(status).toBe(201);
    expect(headers.get('location')).toBe(url);
    expect(body).toEqual({
      type: 'Organization',
      id: expect.any(Number),
      name: 'web',
      active: true,
      events: ['package'],
      config: { url: receiver.url, content_type: 'json', insecure_ssl: '0', secret: '********' },
      updated_at: expect.stringMatching(/Z$/),
      created_at: expect.stringMatching(/Z$/),
      url,
      ping_url: `${url}/pings`,
      deliveries_url: `${url}/deliveries`,
    });
    await github.idle();
    const [ping] = receiver.received;
    expect(ping.event).toBe('ping');
    expect(JSON.parse(ping.body.toString()))
      .toMatchObject({ zen: expect.any(String), hook_id: body?.id, hook: body, organization: { login: 'My-Org' } });
    expect(ping.headers['x-hub-signature-256']).toBe(sign('s3cret', ping.body));
  });

  test('has the bad defaults of GitHub', async () => {
    github = await start();
    const { body } = await post({ name: 'web', config: { url: receiver.url } });
    expect(body).toMatchObject({
      active: true,
      events: ['push'],
      config: { url: receiver.url, content_type: 'form', insecure_ssl: '0' },
    });
    expect(body?.config).not.toHaveProperty('secret');
  });

  test.each([
    ['not JSON', '{', 400, 'Problems parsing JSON', undefined],
    ['no name', { config: { url: 'http://127.0.0.1/' } }, 422, 'Invalid request.\n\n"name" wasn\'t supplied.', undefined],
    ['another name', { ...hookBody('http://127.0.0.1/'), name: 'email' }, 422, 'Validation Failed', [{ resource: 'Hook', field: 'name', code: 'invalid' }]],
    ['no config', { name: 'web' }, 422, 'Invalid request.\n\n"config" wasn\'t supplied.', undefined],
    ['no URL', { name: 'web', config: {} }, 422, 'Validation Failed',
      [expect.objectContaining({ message: 'url cannot be blank' })]],
    ['no scheme', hookBody('example.com/packages'), 422, 'Validation Failed',
      [expect.objectContaining({ message: 'url is missing a scheme' })]],
    ['another scheme', hookBody('ftp://example.com'), 422, 'Validation Failed', [expect.objectContaining({ field: 'url' })]],
    ['an unknown event', hookBody('http://127.0.0.1/', { events: ['package_v2'] }), 422, 'Validation Failed', [expect.objectContaining({ field: 'events' })]],
    ['events that are no list', { ...hookBody('http://127.0.0.1/'), events: 'package' }, 422, expect.stringContaining('is not an array'), undefined],
  ])('rejects %s', async (_, body, status, message, errors) => {
    github = await start();
    expect(await post(body)).toMatchObject({ status, body: { message, ...errors && { errors } } });
    expect(github.hooks).toEqual([]);
  });

  test('rejects loopback when asked to be as strict as github.com', async () => {
    github = await start({ refuseLoopback: true });
    expect(await post(hookBody(receiver.url))).toMatchObject({
      status: 422,
      body: {
        errors: [{ message: 'url is not supported because it isn\'t reachable over the public Internet (127.0.0.1)' }],
      },
    });
  });

  test('rejects a second hook for the same address and event', async () => {
    github = await start();
    await createHook(github, receiver.url);
    expect(await post(hookBody(receiver.url, { config: { secret: 'another' } }))).toMatchObject({
      status: 422,
      body: {
        message: 'Validation Failed',
        errors: [{ resource: 'Hook', code: 'custom', message: 'Hook already exists on this organization' }],
      },
    });
    expect(await post(hookBody(receiver.url, { events: ['push'] }))).toMatchObject({ status: 201 });
  });

  test('rejects the 21st hook of an event', async () => {
    github = await start();
    for (let number = 0; number < 20; number++) { await createHook(github, `${receiver.url}/${number}`); }
    expect(await post(hookBody(`${receiver.url}/20`))).toMatchObject({
      status: 422,
      body: {
        errors: [{ resource: 'Hook', code: 'custom', message: 'The "package" event cannot have more than 20 hooks' }],
      },
    });
  });
});

describe('changing', () => {
  const patch = (id: number, body: object, path = '') =>
    call(github, 'ghp_hooks', `${HOOKS}/${id}${path}`, { method: 'PATCH', body });

  test('a config without secret removes it', async () => {
    github = await start();
    const id = await createHook(github, receiver.url);
    const { body } = await patch(id, { config: { url: receiver.url, content_type: 'json' } });
    expect(body?.config).toEqual({ url: receiver.url, content_type: 'json', insecure_ssl: '0' });
    await github.idle();
    const { request } = await github.ping(id);
    expect(Object.keys(request.headers).filter(name => /signature/i.test(name))).toEqual([]);
  });

  test('without config, config and secret stay', async () => {
    github = await start();
    const id = await createHook(github, receiver.url);
    expect((await patch(id, { active: false, events: ['package', 'push'] })).body)
      .toMatchObject({ active: false, events: ['package', 'push'] });
    expect(github.hooks[0].secretIs('s3cret')).toBe(true);
  });

  test('the configuration alone keeps what it is not given', async () => {
    github = await start();
    const id = await createHook(github, receiver.url);
    expect(await patch(id, { content_type: 'form' }, '/config')).toMatchObject({
      status: 200, body: { url: receiver.url, content_type: 'form', insecure_ssl: '0', secret: '********' },
    });
    expect((await call(github, 'ghp_hooks', `${HOOKS}/${id}/config`)).body).toMatchObject({ content_type: 'form' });
    expect(github.hooks[0].secretIs('s3cret')).toBe(true);
  });

  test('rejects what creating rejects, and changes nothing', async () => {
    github = await start();
    const id = await createHook(github, receiver.url);
    expect(await patch(id, { config: { content_type: 'json' } })).toMatchObject({ status: 422 });
    expect(github.hooks[0].url).toBe(receiver.url);
  });

  test('deletes once', async () => {
    github = await start();
    const path = `${HOOKS}/${await createHook(github, receiver.url)}`;
    expect(await call(github, 'ghp_hooks', path, { method: 'DELETE' })).toMatchObject({ status: 204, body: undefined });
    expect(await call(github, 'ghp_hooks', path, { method: 'DELETE' }))
      .toMatchObject({ status: 404, body: { message: 'Not Found' } });
  });
});

test('lists in pages', async () => {
  github = await start({ pageSizeCap: 2 });
  for (const path of ['a', 'b', 'c']) { await createHook(github, `${receiver.url}/${path}`); }
  const { body, headers } = await call(github, 'ghp_hooks', `${HOOKS}?per_page=100`);
  expect(body).toHaveLength(2);
  expect(headers.get('link')).toContain('rel="next"');
});

describe('who may manage hooks', () => {
  test.each([
    [undefined, 401, 401],
    ['wrong', 401, 401],
    ['ghp_packages', 404, 404],
    ['ghp_member', 404, 404],
    ['ghp_sso', 403, 403],
    ['ghs_noperm', 403, 403],
    ['github_pat_read', 200, 403],
    ['github_pat_hooks', 200, 201],
    ['ghp_hooks', 200, 201],
    ['ghs_app', 200, 201],
  ])('%s lists with %i and creates with %i', async (token, reading, writing) => {
    github = await start();
    expect(await call(github, token, HOOKS)).toMatchObject({ status: reading });
    expect(await call(github, token, HOOKS, { method: 'POST', body: hookBody(receiver.url) }))
      .toMatchObject({ status: writing });
  });

  test('a refusal says what the token lacks', async () => {
    github = await start();
    const classic = await call(github, 'ghp_packages', HOOKS);
    expect(classic.headers.get('x-accepted-oauth-scopes')).toBe('admin:org_hook');
    expect(classic.headers.get('x-oauth-scopes')).toBe('read:packages');
    const fineGrained = await call(github, 'github_pat_read', HOOKS, { method: 'POST', body: hookBody(receiver.url) });
    expect(fineGrained.headers.get('x-accepted-github-permissions')).toBe('organization_hooks=write');
    expect(fineGrained.body?.message).toBe('Resource not accessible by personal access token');
  });

  test('the organization is matched without case, another one is not found', async () => {
    github = await start();
    expect(await call(github, 'ghp_hooks', '/orgs/MY-ORG/hooks')).toMatchObject({ status: 200 });
    expect(await call(github, 'ghp_hooks', '/orgs/my-orgs/hooks')).toMatchObject({ status: 404 });
  });
});

describe('the delivery log', () => {
  const deliveries = (id: number, query = '') => call(github, 'ghp_hooks', `${HOOKS}/${id}/deliveries${query}`);

  test('shows attempts newest first, and one of them whole', async () => {
    github = await start();
    const id = await createHook(github, receiver.url);
    await github.idle();
    github.recordPush(image('my-org/app', '1'));
    await github.idle();

    const items = (await deliveries(id)).body as unknown as { id: number; event: string }[];
    expect(items).toMatchObject([
      {
        event: 'package',
        action: 'published',
        status: 'OK',
        status_code: 202,
        redelivery: false,
        repository_id: expect.any(Number),
        installation_id: null,
      },
      { event: 'ping', action: null, status: 'OK' },
    ]);
    expect((await call(github, 'ghp_hooks', `${HOOKS}/${id}/deliveries/${items[0].id}`)).body).toMatchObject({
      url: receiver.url,
      request: { headers: { 'X-GitHub-Event': 'package' }, payload: { action: 'published', package: { name: 'app' } } },
      response: { headers: { 'content-type': 'text/plain' }, payload: 'seen' },
    });
  });

  test('goes on by cursor', async () => {
    github = await start();
    const id = await createHook(github, receiver.url);
    for (let number = 0; number < 4; number++) { await github.deliver('package', { number }); }
    await github.idle();

    const seen: number[] = [];
    for (let next: string | undefined = `${HOOKS}/${id}/deliveries?per_page=2`; next !== undefined;) {
      const { body, headers } = await call(github, 'ghp_hooks', next);
      seen.push(...(body as unknown as { id: number }[]).map(item => item.id));
      next = /<([^>]+)>; rel="next"/.exec(headers.get('link') ?? '')?.[1].slice(github.url.length);
    }
    expect(seen).toEqual(github.deliveries.map(delivery => delivery.id).sort((a, b) => b - a));
    expect(seen).toHaveLength(5);
  });

  test.each([
    [true, 'failure', [503]], [true, 'success', [202, 200]], [false, 'failure', [503, 202, 200]],
  ])('where the parameter is known (%p), shows %s alone', async (deliveryStatusFilter, status, expected) => {
    github = await start({ deliveryStatusFilter });
    receiver.status = 200;
    const id = await createHook(github, receiver.url);
    await github.idle();
    for (const code of [202, 503]) {
      receiver.status = code;
      await github.deliver('package', { code }, { hookId: id });
    }
    const shown = (await deliveries(id, `?status=${status}`)).body as unknown as { status_code: number }[];
    expect(shown.map(({ status_code }) => status_code)).toEqual(expected);
  });

  test('rejects a status that it does not know', async () => {
    github = await start();
    expect(await deliveries(await createHook(github, receiver.url), '?status=failed')).toMatchObject({ status: 422 });
  });

  test('redelivers with the same id to the present address, signed with the present secret', async () => {
    github = await start();
    const id = await createHook(github, receiver.url);
    receiver.status = 500;
    github.recordPush(image('my-org/app', '1'));
    await github.idle();
    const failed = github.deliveries.find(delivery => delivery.event === 'package');
    expect(failed).toMatchObject({ status: 'Invalid HTTP Response: 500', statusCode: 500 });

    receiver.status = 202;
    await call(github, 'ghp_hooks', `${HOOKS}/${id}/config`, { method: 'PATCH', body: { secret: 'rotated' } });
    expect(await call(github, 'ghp_hooks', `${HOOKS}/${id}/deliveries/${failed?.id}/attempts`, { method: 'POST' }))
      .toMatchObject({ status: 202, body: {} });
    await github.idle();

    const [first, second] = events(receiver);
    expect(second.headers['x-github-delivery']).toBe(first.headers['x-github-delivery']);
    expect(second.body).toEqual(first.body);
    expect(second.headers['x-hub-signature-256']).toBe(sign('rotated', second.body));
    expect(github.deliveries.at(-1)).toMatchObject({ redelivery: true, status: 'OK', guid: failed?.guid });
    expect(github.deliveries.at(-1)?.id).not.toBe(failed?.id);
  });

  test('fails to redeliver what is older than three days', async () => {
    let now = Date.parse('2026-03-01T00:00:00Z');
    github = await start({
      clock: { now: () => now, sleep: ms => ms > 0 ? new Promise(() => undefined) : Promise.resolve() },
    });
    const id = await createHook(github, receiver.url);
    await github.idle();
    now += 3 * 24 * 3_600_000;
    expect((await deliveries(id)).body).toEqual([]);
    const attempts = `${HOOKS}/${id}/deliveries/${github.deliveries[0].id}/attempts`;
    expect(await call(github, 'ghp_hooks', attempts, { method: 'POST' })).toMatchObject({ status: 404 });
  });
});

test('a ping is answered at once and then sent, even to an inactive hook', async () => {
  github = await start();
  const id = await createHook(github, receiver.url, { active: false });
  expect(await call(github, 'ghp_hooks', `${HOOKS}/${id}/pings`, { method: 'POST' })).toMatchObject({ status: 204 });
  await github.idle();
  expect(receiver.received.map(({ event }) => event)).toEqual(['ping', 'ping']);
});

test('nothing that is printed or logged holds a secret or a token', async () => {
  github = await start();
  await createHook(github, receiver.url);
  github.recordPush(image('my-org/app', '1'));
  await github.idle();
  for (const thing of [github.hooks, github.deliveries, github.tokens, github.server.requests]) {
    expect(`${inspect(thing, { depth: 20, showHidden: true })}${JSON.stringify(thing)}`).not.toMatch(/s3cret|ghp_|github_pat_|ghs_/);
  }
});
