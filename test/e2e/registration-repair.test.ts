import { HookWorld, HookWorlds } from './hook-world';

jest.setTimeout(60_000);

const worlds = new HookWorlds();
afterAll(() => worlds.close());

function scenario(name: string, body: (world: HookWorld) => Promise<void>): void {
  test.concurrent(name, () => worlds.use(body));
}

/** Every hook with its configuration, as the mirror wants exactly one. */
async function expectOurHookAlone(world: HookWorld, active = true): Promise<void> {
  const secret = await world.secret();
  expect(world.github.hooks).toHaveLength(1);
  const [hook] = world.github.hooks;
  expect({
    url: hook.url,
    active: hook.active,
    events: hook.events,
    contentType: hook.contentType,
    insecureSsl: hook.insecureSsl,
  })
    .toEqual({
      url: world.stack.outputs.EndpointUrl,
      active,
      events: ['package'],
      contentType: 'json',
      insecureSsl: '0',
    });
  expect(hook.secretIs(secret)).toBe(true);
}

describe('the daily repair puts right', () => {
  const damages: [string, (url: string) => object, string][] = [
    ['a hook that is disabled', () => ({ active: false }), 'active was false'],
    ['other events', url => ({ events: ['push', 'issues'], config: { url, content_type: 'json', secret: 'x' } }),
      'events were push, issues'],
    ['the content type, TLS and the secret', url => ({ config: { url, insecure_ssl: '1' } }),
      'content type was form","TLS verification was off","it had no secret'],
  ];
  for (const [name, damage, logged] of damages) {
    scenario(name, async world => {
      await world.deploy();
      const [{ id }] = world.github.hooks;
      await world.ask('PATCH', `hooks/${id}`, damage(world.stack.outputs.EndpointUrl));
      await world.repair();
      await expectOurHookAlone(world);
      expect(world.github.hooks[0].id).toBe(id);
      expect(world.logged('Webhook repaired')[0]).toContain(logged);
    });
  }

  scenario('a hook that is gone', async world => {
    await world.deploy();
    await world.ask('DELETE', `hooks/${world.github.hooks[0].id}`);
    await world.repair();
    await expectOurHookAlone(world);
    expect(world.logged('it was missing')).toHaveLength(1);
  });

  scenario('a hook that somebody has led elsewhere, by one of its own: the other is theirs now', async world => {
    await world.deploy();
    const [{ id }] = world.github.hooks;
    await world.ask('PATCH', `hooks/${id}`, { config: { url: 'https://example.com/elsewhere', content_type: 'json', secret: 'x' } });
    await world.repair();
    expect(world.github.hooks.map(({ url }) => url)).toEqual(['https://example.com/elsewhere', world.stack.outputs.EndpointUrl]);
    expect(world.github.hooks.map(hook => hook.secretIs('x'))).toEqual([true, false]);
    await world.stack.delete();
    expect(world.github.hooks.map(hook => hook.id)).toEqual([id]);
  });

  scenario('a secret that was rotated', async world => {
    await world.deploy();
    await world.cloud.call('secretsmanager', 'PutSecretValue', {
      SecretId: world.stack.outputs.WebhookSecretArn,
      SecretString: 'r0tated'.repeat(8),
    });
    expect(world.github.hooks[0].secretIs(await world.secret())).toBe(false);
    await world.repair();
    await expectOurHookAlone(world);
  });
});

describe('the daily repair', () => {
  scenario('leaves a sound hook alone, and says nothing', async world => {
    await world.deploy();
    world.lines.length = 0;
    await world.repair();
    await expectOurHookAlone(world);
    expect(world.logged('"level":"WARN"')).toEqual([]);
  });

  scenario('leaves a hook disabled that is to be disabled', async world => {
    await world.deploy({ webhookActive: false });
    await world.repair();
    await expectOurHookAlone(world, false);
    expect(world.logged('Webhook repaired')).toEqual([]);
  });

  scenario('does not touch the hooks of others', async world => {
    await world.deploy();
    await world.ask('POST', 'hooks', { name: 'web', events: ['package'], config: { url: 'https://example.com/theirs' } });
    await world.repair();
    expect(world.github.hooks.map(({ url, contentType }) => [url, contentType]))
      .toEqual([[world.stack.outputs.EndpointUrl, 'json'], ['https://example.com/theirs', 'form']]);
  });

  scenario('tells what GitHub could not deliver, by cause', async world => {
    await world.deploy();
    const [{ id }] = world.github.hooks;
    for (let n = 0; n < 3; n++) {
      await world.github.sendRaw(id, '{}', { headers: { 'X-Hub-Signature-256': undefined } });
    }
    await world.github.sendRaw(id, 'no JSON');
    await world.repair();
    const lines = world.logged('could not deliver');
    expect(lines).toHaveLength(2);
    expect(lines.find(line => line.includes('"cause":"401 '))).toContain('"count":3');
    expect(lines.find(line => line.includes('"cause":"400 '))).toContain('"count":1');
  });

  scenario('is not there without a token', async world => {
    await world.deploy({ registerWebhook: false });
    expect(world.cloud.services.scheduler.names.filter(name => /Repair|Redelivery/.test(name))).toEqual([]);
  });
});
