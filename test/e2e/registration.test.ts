import { Change, HookWorld, HookWorlds, only, registers, WEBHOOK } from './hook-world';
import { awsFault } from '../../sandbox/aws/core/endpoint';
import type { FaultRule } from '../../sandbox/faults';
import type { GitHub } from '../../sandbox/github';
import { HOOKS_SECRET } from '../../sandbox/world/synth';

jest.setTimeout(60_000);

const worlds = new HookWorlds();
afterAll(() => worlds.close());

/** Registering waits more than it works, so that the scenarios run side by side, each in a world of its own. */
function scenario(name: string, body: (world: HookWorld) => Promise<void>): void {
  test.concurrent(name, () => worlds.use(body));
}

/** A resource behind the webhook that can't be created. */
const brokenLater: Change = resources => {
  const [id] = only(resources, WEBHOOK);
  resources.Broken = { Type: 'AWS::SQS::Queue', Properties: { VisibilityTimeout: -1 }, DependsOn: [id] };
};

const both = (...changes: Change[]): Change => resources => changes.forEach(change => change(resources));

const refuse = (status: number, message: string, more: Partial<FaultRule> = {}): FaultRule =>
  ({
    fault: {
      kind: 'status',
      status,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ message }),
    },
    ...more,
  });

async function failure(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return String(error);
  }
  throw new Error('expected a failed deployment, got a successful one');
}

/** What GitHub holds, with the whole configuration of each hook. */
async function hooksOf(world: HookWorld, github: GitHub = world.github): Promise<object[]> {
  const secret = await world.secret();
  return github.hooks.map(({ url, active, events, contentType, insecureSsl, ...hook }) =>
    ({
      url,
      active,
      events,
      contentType,
      insecureSsl,
      signedWithOurs: github.hooks.find(({ id }) => id === hook.id)?.secretIs(secret),
    }));
}

function ours(world: HookWorld, changes: object = {}): object {
  return {
    url: world.stack.outputs.EndpointUrl,
    active: true,
    events: ['package'],
    contentType: 'json',
    insecureSsl: '0',
    signedWithOurs: true,
    ...changes,
  };
}

function identity(world: HookWorld): string {
  return world.stack.byType(WEBHOOK)[0].physicalId;
}

describe('create', () => {
  scenario('registers one hook with its whole configuration; its first delivery is the ping', async world => {
    const stack = await world.deploy();
    expect(await hooksOf(world)).toEqual([ours(world)]);
    expect(identity(world)).toBe(`my-org/${world.github.hooks[0].id}`);
    expect(stack.outputs.WebhookReached).toBe('yes');
    expect(world.logged('GitHub reaches the endpoint')).toHaveLength(1);
    expect(world.github.deliveries.map(({ event, statusCode }) => [event, statusCode])[0]).toEqual(['ping', 200]);
  });

  scenario('asks for the first sync, once', async world => {
    await world.deploy();
    expect(await world.fullSyncs()).toBe(1);
  });

  scenario('without a token asks for the first sync too, and touches no hook', async world => {
    const stack = await world.deploy({ registerWebhook: false });
    expect(await world.fullSyncs()).toBe(1);
    expect(world.github.hooks).toEqual([]);
    expect(identity(world)).toBe('my-org/none');
    expect(stack.outputs.WebhookReached).toBe('no: the mirror has no `webhookToken`');
  });

  scenario('registers a disabled hook when it is to be disabled', async world => {
    const stack = await world.deploy({ webhookActive: false });
    expect(await hooksOf(world)).toEqual([ours(world, { active: false })]);
    expect(stack.outputs.WebhookReached).toBe('no: the webhook is disabled');
  });

  for (const [what, path] of [['ping', /pings$/], ['delivery log', /deliveries/]] as const) {
    scenario(`stands when GitHub refuses the ${what}`, async world => {
      world.api.faults.add(refuse(403, 'Forbidden', { path, times: Infinity }));
      const stack = await world.deploy();
      expect(stack.outputs.WebhookReached).toBe("no: GitHub's API answered 403 when asked for a ping and its delivery");
      expect(await hooksOf(world)).toEqual([ours(world)]);
    });
  }
});

describe('create fails, and leaves nothing behind', () => {
  const denied = (world: HookWorld, operation: string, skip = 0): void => {
    world.cloud.faults.add({
      operation,
      fault: awsFault('AccessDeniedException', 'no, says the test'),
      skip,
      times: Infinity,
    });
  };
  const steps: [string, (world: HookWorld) => void, RegExp][] = [
    ['when the token cannot be read', world => denied(world, 'GetSecretValue'), /Secret "github\/organization-hooks" could not be read: AccessDenied/],
    ['when the webhook secret cannot be read', world => denied(world, 'GetSecretValue', 1), /Secret ".*WebhookSecret.*" could not be read: AccessDenied/],
    ['when the hooks cannot be listed', world => world.api.faults.add(refuse(403, 'Resource not accessible', { path: /hooks\?/ })), /403 .* token in secret "github\/organization-hooks"/],
    ['when GitHub refuses the hook', world => world.api.faults.add(refuse(422, 'Validation Failed', { method: 'POST', path: /hooks$/ })), /422 .*Validation Failed/],
    ['when GitHub makes the hook, and its answer is lost', world => world.api.faults.add({
      method: 'POST', path: /hooks$/, fault: { kind: 'truncate', afterBytes: 10 },
    }), /answer .* incomplete/],
    ['when the sync cannot be asked for', world => denied(world, 'SendMessage'), /no, says the test/],
  ];
  for (const [name, prepare, expected] of steps) {
    scenario(name, async world => {
      prepare(world);
      expect(await failure(world.deploy())).toMatch(expected);
      expect(world.github.hooks).toEqual([]);
    });
  }

  scenario('when something after it fails', async world => {
    expect(await failure(world.deploy({}, brokenLater))).toContain('Broken');
    expect(world.github.hooks).toEqual([]);
  });

  scenario('when the organization has 20 hooks, and these stay', async world => {
    for (let n = 0; n < 20; n++) { await world.ask('POST', 'hooks', { name: 'web', events: ['package'], config: { url: `https://example.com/${n}` } }); }
    expect(await failure(world.deploy())).toMatch(/422 .*20 webhooks .*Delete one/);
    expect(world.github.hooks).toHaveLength(20);
  });

  scenario('when GitHub takes too long, before Lambda ends the function', async world => {
    world.api.faults.add({ method: 'POST', path: /hooks$/, fault: { kind: 'slow', bytesPerSecond: 20 } });
    const impatient: Change = resources => { only(resources, 'AWS::Lambda::Function', /RegistrationFunction/)[1].Properties.Timeout = 63; };
    expect(await failure(world.deploy({}, impatient))).toContain('GitHub did not answer in time');
    expect(world.github.hooks).toEqual([]);
  });
});

describe('update', () => {
  scenario('patches the same hook to another endpoint and disables it, with its whole configuration', async world => {
    await world.deploy();
    const before = identity(world);
    await world.update({ webhookActive: false }, registers({ endpointUrl: 'https://example.com/packages' }));
    expect(await hooksOf(world)).toEqual([ours(world, { url: 'https://example.com/packages', active: false })]);
    expect(identity(world)).toBe(before);
  });

  scenario('of the selection asks for a full sync', async world => {
    await world.deploy();
    await world.fullSyncs();
    world.api.requests.length = 0;
    await world.update({ repositoryPrefix: 'elsewhere' });
    // A queue may deliver its message twice.
    expect(await world.fullSyncs()).toBeGreaterThan(0);
    expect(await hooksOf(world)).toEqual([ours(world)]);
  });

  scenario('to another organization makes a hook there, and the old one goes', async world => {
    await world.deploy();
    await world.update({}, registers({ organization: 'Other-Org' }));
    expect(await hooksOf(world)).toEqual([]);
    expect(await hooksOf(world, world.other)).toEqual([ours(world)]);
    expect(identity(world)).toBe(`other-org/${world.other.hooks[0].id}`);
    await world.stack.delete();
    expect(world.other.hooks).toEqual([]);
  });

  scenario('to another organization that fails later goes back to the old hook', async world => {
    await world.deploy();
    const before = identity(world);
    expect(await failure(world.update({}, both(registers({ organization: 'Other-Org' }), brokenLater))))
      .toContain('Broken');
    expect(await hooksOf(world)).toEqual([ours(world)]);
    expect(world.other.hooks).toEqual([]);
    expect(identity(world)).toBe(before);
  });

  scenario('to an organization that does not exist fails, says so, and changes nothing', async world => {
    await world.deploy();
    expect(await failure(world.update({}, registers({ organization: 'My-Orgg' })))).toMatch(/no organization "My-Orgg"/);
    expect(await hooksOf(world)).toEqual([ours(world)]);
  });

  scenario('to another name of the same API keeps the hook', async world => {
    await world.deploy();
    const before = identity(world);
    await world.update({}, registers({ githubApiUrl: world.api.url.replace('127.0.0.1', 'localhost') }));
    expect(await hooksOf(world)).toEqual([ours(world)]);
    expect(identity(world)).toBe(before);
  });

  scenario('brings back a hook that somebody has deleted, and delete then removes it', async world => {
    await world.deploy();
    await world.ask('DELETE', `hooks/${world.github.hooks[0].id}`);
    await world.update({ webhookActive: false });
    expect(await hooksOf(world)).toEqual([ours(world, { active: false })]);
    await world.stack.delete();
    expect(world.github.hooks).toEqual([]);
  });

  scenario('that fails later leaves the hook to the schedule, which restores it within minutes', async world => {
    await world.deploy();
    const before = identity(world);
    expect(await failure(world.update({ webhookActive: false }, brokenLater))).toContain('Broken');
    await world.redeliver();
    expect(await hooksOf(world)).toEqual([ours(world)]);
    expect(identity(world)).toBe(before);
  });

  // Both names lead to one GitHub here, so that the hook of "the other" goes, and the schedule makes it anew.
  scenario('to another API that fails later ends with one hook, which goes with the stack', async world => {
    await world.deploy();
    const elsewhere = registers({ githubApiUrl: world.api.url.replace('127.0.0.1', 'localhost') });
    expect(await failure(world.update({}, both(elsewhere, brokenLater)))).toContain('Broken');
    await world.redeliver();
    expect(await hooksOf(world)).toEqual([ours(world)]);
    await world.stack.delete();
    expect(world.github.hooks).toEqual([]);
  });

  scenario('from properties of an older version', async world => {
    const old: Change = resources => {
      const { Properties: properties } = only(resources, WEBHOOK)[1];
      for (const name of ['githubApiUrl', 'active', 'selection', 'webhookToken', 'webhookSecret']) {
        delete properties[name];
      }
      properties.githubApiUrl = world.api.url;
    };
    await world.deploy({}, old);
    expect(await hooksOf(world)).toEqual([ours(world)]);
    await world.update();
    expect(await hooksOf(world)).toEqual([ours(world)]);
  });
});

describe('the token', () => {
  scenario('added later registers the hook', async world => {
    await world.deploy({ registerWebhook: false });
    await world.update();
    expect(await hooksOf(world)).toEqual([ours(world)]);
    expect(identity(world)).toBe(`my-org/${world.github.hooks[0].id}`);
    await world.stack.delete();
    expect(world.github.hooks).toEqual([]);
  });

  scenario('added later adopts the hook that a person has added by hand', async world => {
    const { outputs } = await world.deploy({ registerWebhook: false });
    const { id } = await world.ask(
      'POST',
      'hooks',
      { name: 'web', events: ['package'], config: { url: outputs.EndpointUrl } },
    );
    await world.update();
    expect(await hooksOf(world)).toEqual([ours(world)]);
    expect(identity(world)).toBe(`my-org/${String(id)}`);
  });

  scenario('added by a deployment that fails later leaves no hook', async world => {
    await world.deploy({ registerWebhook: false });
    expect(await failure(world.update({}, brokenLater))).toContain('Broken');
    expect(world.github.hooks).toEqual([]);
    expect(identity(world)).toBe('my-org/none');
  });

  scenario('added, with a failure while it adopts, leaves the hook of the person', async world => {
    const { outputs } = await world.deploy({ registerWebhook: false });
    const { id } = await world.ask(
      'POST',
      'hooks',
      { name: 'web', events: ['package'], config: { url: outputs.EndpointUrl } },
    );
    // The rollback asks for a sync as well, and gets it.
    world.cloud.faults.add({ operation: 'SendMessage', fault: awsFault('AccessDeniedException', 'no') });
    await failure(world.update());
    expect(world.github.hooks.map(hook => hook.id)).toEqual([id]);
  });

  scenario('removed later leaves the hook to the person, and says so', async world => {
    await world.deploy();
    const before = identity(world);
    await world.update({ registerWebhook: false });
    expect(await hooksOf(world)).toEqual([ours(world)]);
    expect(world.logged('stays in GitHub')).toHaveLength(1);
    await world.update();
    expect(await hooksOf(world)).toEqual([ours(world)]);
    expect(identity(world)).toBe(before);
  });

  scenario('removed by a deployment that fails later: the hook is ours again, and goes with the stack', async world => {
    await world.deploy();
    expect(await failure(world.update({ registerWebhook: false }, brokenLater))).toContain('Broken');
    expect(await hooksOf(world)).toEqual([ours(world)]);
    await world.stack.delete();
    expect(world.github.hooks).toEqual([]);
  });
});

describe('delete', () => {
  scenario('removes exactly our hook', async world => {
    await world.deploy();
    await world.ask('POST', 'hooks', { name: 'web', events: ['package'], config: { url: 'https://example.com/theirs' } });
    await world.stack.delete();
    expect(world.github.hooks.map(({ url }) => url)).toEqual(['https://example.com/theirs']);
  });

  scenario('succeeds when the hook is gone', async world => {
    await world.deploy();
    await world.ask('DELETE', `hooks/${world.github.hooks[0].id}`);
    await world.stack.delete();
    expect(world.logged('gone already')).toHaveLength(1);
  });

  scenario('removes the hook that the repair has made anew', async world => {
    await world.deploy();
    await world.ask('DELETE', `hooks/${world.github.hooks[0].id}`);
    await world.repair();
    expect(await hooksOf(world)).toEqual([ours(world)]);
    await world.stack.delete();
    expect(world.github.hooks).toEqual([]);
  });

  const warned = async (world: HookWorld): Promise<string> => {
    await world.stack.delete();
    expect(world.github.hooks).toHaveLength(1);
    const [line] = world.logged('could not be removed');
    expect(line).toContain('"level":"WARN"');
    return line;
  };

  scenario('succeeds with a warning when the token is revoked', async world => {
    await world.deploy();
    world.api.faults.add(refuse(401, 'Bad credentials', { times: Infinity }));
    expect(await warned(world)).toContain('expired, revoked or mistyped');
  });

  scenario('succeeds with a warning when access to the organization is lost', async world => {
    await world.deploy();
    world.api.faults.add(refuse(404, 'Not Found', { times: Infinity }));
    expect(await warned(world)).toContain('may not manage its webhooks');
  });

  scenario('succeeds with a warning when the secret of the token is deleted', async world => {
    await world.deploy();
    await world.cloud.call('secretsmanager', 'DeleteSecret', { SecretId: HOOKS_SECRET });
    try {
      expect(await warned(world)).toContain(HOOKS_SECRET);
    } finally {
      await world.cloud.call('secretsmanager', 'RestoreSecret', { SecretId: HOOKS_SECRET });
    }
  });

  scenario('succeeds with a warning when GitHub is down', async world => {
    await world.deploy();
    // A server error is tried again for 14 seconds; a refusal to wait comes at once.
    world.api.faults.add(refuse(403, 'API rate limit exceeded', { times: Infinity }));
    expect(await warned(world)).toContain('rate limit');
  });

  /** Sends the function what CDK's framework sends it. */
  const send = async (
    world: HookWorld,
    physicalId: string,
    properties: Readonly<Record<string, unknown>>,
  ): Promise<string | undefined> => {
    const event = { RequestType: 'Delete', PhysicalResourceId: physicalId, ResourceProperties: properties };
    return (await world.cloud.services.lambda.invoke(
      world.stack.outputs.RegistrationFunctionName,
      event,
    )).functionError;
  };
  const properties = (world: HookWorld): Readonly<Record<string, unknown>> =>
    ({ organization: 'My-Org', endpointUrl: world.stack.outputs.EndpointUrl, githubApiUrl: world.api.url });

  scenario('after a Create that nobody finished finds the hook by its URL', async world => {
    await world.deploy();
    await world.ask('POST', 'hooks', { name: 'web', events: ['package'], config: { url: 'https://example.com/theirs' } });
    expect(await send(world, 'Images-MirrorRegistrationWebhook-1K2J3', properties(world))).toBeUndefined();
    expect(world.github.hooks.map(({ url }) => url)).toEqual(['https://example.com/theirs']);
  });

  scenario('after a Create that never got to the hook removes nothing', async world => {
    await world.deploy();
    expect(await send(world, 'Images-MirrorRegistrationWebhook-1K2J3', { ...properties(world), endpointUrl: 'https://example.com/other' })).toBeUndefined();
    expect(await hooksOf(world)).toEqual([ours(world)]);
  });

  scenario('goes by the identity and the environment when the properties are malformed', async world => {
    await world.deploy();
    expect(await send(world, identity(world), { organization: '', githubApiUrl: world.api.url })).toBeUndefined();
    expect(world.github.hooks).toEqual([]);
  });
});
