import { inspect } from 'node:util';
import Bottleneck from 'bottleneck';
import type { RegistrarDependencies } from '../../../lambda/registration/dependencies';
import { organizationHooks } from '../../../lambda/registration/hooks';
import type { OwnHook } from '../../../lambda/registration/own-hook';
import { create, update } from '../../../lambda/registration/registrar';
import { remove } from '../../../lambda/registration/removal';
import { repair } from '../../../lambda/registration/repair';
import type { Fault } from '../../../sandbox/faults';
import type { GitHub } from '../../../sandbox/github';
import type { RegistrationProperties } from '../../../src/contract/hook';
import { createHook, Receiver, start, startReceiver } from '../../sandbox/github/testing';
import { FakeTime } from '../shared/fake-time';
import { RecordingLog } from '../shared/recording-log';

const SECRET = 'the-webhook-secret-0123456789';
/** Where nothing listens. */
const NOBODY = { endpointUrl: 'http://127.0.0.1:9/packages' };

let github: GitHub;
let receiver: Receiver;
let log: RecordingLog;
let syncs: number;
beforeEach(async () => {
  receiver = await startReceiver();
  receiver.status = 200;
  github = await start();
  log = new RecordingLog();
  syncs = 0;
});
afterEach(async () => {
  await github.close();
  await receiver.close();
});

function properties(changes: Partial<RegistrationProperties> = {}): RegistrationProperties {
  return {
    organization: 'My-Org',
    endpointUrl: `${receiver.url}/packages`,
    githubApiUrl: github.url,
    active: 'true',
    selection: '',
    ...changes,
  };
}

function own(changes: Partial<RegistrationProperties> = {}): OwnHook {
  const { organization, endpointUrl, githubApiUrl, active } = properties(changes);
  return { organization, endpointUrl, executeApiUrl: `${receiver.url}/packages`, githubApiUrl, active };
}

function using(changes: Partial<RegistrarDependencies> & { readonly token?: string } = {}): RegistrarDependencies {
  const time = new FakeTime();
  const { token = 'github_pat_hooks', ...others } = changes;
  return {
    own: own(),
    region: 'eu-west-1',
    tokenName: 'github/hooks',
    hooks: async (organization, signal) =>
      organizationHooks(organization, {
        apiUrl: github.url,
        token,
        maxWaitSeconds: 1,
        warn: message => log.warn(message),
        writes: new Bottleneck.Group({
          minTime: 0,
        }),
      }, signal),
    secret: async () => SECRET,
    requestSync: async () => { syncs++; },
    remainingMs: () => 300_000,
    now: () => time.now(),
    // Deliveries take real time.
    sleep: async ms => { await Promise.all([time.sleep(ms), new Promise(resolve => setTimeout(resolve, 10))]); },
    log,
    ...others,
  };
}

/** Creates the hook that is there before. @returns its identity */
async function existing(): Promise<string> {
  return `my-org/${await createHook(github, properties().endpointUrl)}`;
}

async function refusalOf(work: Promise<unknown>): Promise<Error> {
  return work.then(() => { throw new Error('expected a refusal, got none'); }, (error: Error) => error);
}

function answer(status: number, body: object, headers: Record<string, string> = {}): Fault {
  return {
    kind: 'status',
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
}

describe('reached', () => {
  test('yes, when GitHub saw 200', async () => {
    const { reached, physicalId, hookId } = await create(properties(), using());
    expect(reached).toBe('yes');
    expect([physicalId, hookId]).toEqual([`my-org/${github.hooks[0].id}`, String(github.hooks[0].id)]);
    expect(log.lines).toContainEqual({
      level: 'info',
      message: 'Webhook registered, and GitHub reaches the endpoint.',
      detail: expect.objectContaining({ reached: 'yes' }),
    });
  });

  test('no, with the status that GitHub saw, after a bounded time', async () => {
    receiver.status = 503;
    const { reached } = await create(properties(), using());
    expect(reached).toBe('no: GitHub saw 503 Invalid HTTP Response: 503');
    expect(log.lines).toContainEqual({
      level: 'warn',
      message: 'Webhook registered, but GitHub has not reached the endpoint yet.',
      detail: expect.objectContaining({ reached }),
    });
    expect(syncs).toBe(1);
  });

  test('no, when nothing listens', async () => {
    const { reached } = await create(properties(NOBODY), using({ own: own(NOBODY) }));
    expect(reached).toBe('no: GitHub saw 502 failed to connect to host');
  });

  test('no, when GitHub logs no ping within the time', async () => {
    github.hold();
    expect((await create(properties(), using())).reached).toBe('no: GitHub has logged no ping yet');
  });

  test('yes, when a later ping gets through', async () => {
    receiver.status = 503;
    const physicalId = await existing();
    await github.idle();
    receiver.status = 200;
    expect((await update(physicalId, properties(), properties(), using())).reached).toBe('yes');
  });

  test('a ping of the former URL does not count', async () => {
    const physicalId = await existing();
    expect((await update(physicalId, properties(NOBODY), properties(), using({ own: own(NOBODY) }))).reached).toMatch(/^no: GitHub saw 502/);
  });
});

describe('rejects with what a person can act on', () => {
  const invalid = (message: string): Fault =>
    answer(422, { message: 'Validation Failed', errors: [{ resource: 'Hook', code: 'custom', message }] });
  test.each<[string, { token?: string; organization?: string; fault?: Fault }, RegExp]>([
    ['401', { token: 'ghp_revoked' }, /expired, revoked or mistyped\..*Webhooks: read and write.*admin:org_hook.*put-secret-value --secret-id github\/hooks/],
    ['403, a permission is missing', { token: 'ghs_noperm' }, /lacks a permission \(GitHub accepts: organization_hooks=\w+\).*Webhooks: read and write.*Developer settings/],
    ['403, single sign-on', { token: 'ghp_sso' }, /SAML single sign-on.*"Configure SSO".*or open https:\/\/github\.com\/orgs\//],
    ['403, rate limit', { fault: answer(403, { message: 'API rate limit exceeded' }) }, /rate limit is used up.*Deploy again later/],
    ['404, no owner', { token: 'ghp_member' }, /may not manage its webhooks.*spelling of "organization".*owner of the organization/],
    ['404, a typo', { organization: 'my-orgg' }, /no organization "my-orgg".*Check the spelling/],
    ['422, 20 hooks', { fault: invalid('The "package" event cannot have more than 20 hooks') }, /20 webhooks.*Delete one.*Organization settings > Webhooks/],
    ['422, an invalid URL', { fault: invalid('url is not supported because it isn\'t reachable over the public Internet (localhost)') }, /invalid \(url is not supported.*reach the endpoint's URL/],
    ['422, a twin', { fault: invalid('Hook already exists on this organization') }, /another webhook of the organization has this URL/],
  ])('%s', async (name, { token, organization, fault }, expected) => {
    if (fault) { github.server.faults.add({ fault, method: 'POST', times: Infinity }); }
    const changes = organization === undefined ? {} : { organization };
    const error = await refusalOf(create(properties(changes), using({ token, own: own(changes) })));
    expect(error.message).toMatch(expected);
    expect(error.message).toContain('secret "github/hooks"');
    expect(error).toMatchObject({ name: 'GitHubRefusal', status: Number(name.slice(0, 3)) });
    // Lambda logs an error with all its properties.
    const all = inspect(error, { depth: Infinity, showHidden: true }) + log.text;
    for (const value of [SECRET, token ?? 'github_pat_hooks']) { expect(all).not.toContain(value); }
    expect(github.hooks).toEqual([]);
  });

  test('a server error, whose request has the webhook secret in its body', async () => {
    github.server.faults.add({ fault: answer(451, { message: 'Unavailable' }), method: 'POST', times: Infinity });
    const error = await refusalOf(create(properties(), using()));
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain(SECRET);
    expect(error.message).toContain('451');
  });
});

describe('create', () => {
  test('adopts the hook whose making another try has announced', async () => {
    const real = using();
    const hooks = await real.hooks('My-Org');
    // GitHub makes the hook, and the client's second try hears that it exists.
    const twice: typeof hooks = {
      ...hooks,
      create: async wanted => { await hooks.create(wanted); return hooks.create(wanted); },
    };
    const { reached } = await create(properties(), { ...real, hooks: async () => twice });
    expect(reached).toBe('yes');
    expect(github.hooks.map(hook => hook.secretIs(SECRET))).toEqual([true]);
  });

  test('fails and removes that hook when a later step fails', async () => {
    const real = using();
    const hooks = await real.hooks('My-Org');
    const twice: typeof hooks = {
      ...hooks,
      create: async wanted => { await hooks.create(wanted); return hooks.create(wanted); },
    };
    const failing = { ...real, hooks: async () => twice, requestSync: () => Promise.reject(new Error('no queue')) };
    await expect(create(properties(), failing)).rejects.toThrow('no queue');
    expect(github.hooks).toEqual([]);
  });

  test('fails with the first cause when the clean-up fails too, and says where to look', async () => {
    const failing = using({
      requestSync: () => {
        github.tokens.revoke('github_pat_hooks');
        return Promise.reject(new Error('no queue'));
      },
    });
    await expect(create(properties(), failing)).rejects.toThrow('no queue');
    expect(log.lines.at(-1))
      .toMatchObject({ level: 'warn', message: expect.stringContaining(`look for ${receiver.url}/packages`) });
  });

  test('prefers the hook for packages when another with the same URL is there', async () => {
    await existing();
    const [ours] = github.hooks;
    await createHook(github, properties().endpointUrl, { events: ['push'] });
    expect((await create(properties(), using())).hookId).toBe(String(ours.id));
  });
});

describe('remove', () => {
  test('fails never: it is out of time, and warns', async () => {
    const physicalId = await existing();
    github.server.faults.add({ method: 'DELETE', fault: { kind: 'delay', ms: 300 } });
    await remove(physicalId, properties(), using({ remainingMs: () => 60_100 }));
    expect(log.lines.at(-1)).toMatchObject({
      level: 'warn',
      detail: { physicalId, cause: expect.stringContaining('did not answer in time') },
    });
  });

  test.each(['my-org/none', 'other/none'])('leaves everything as it is for %s', async id => {
    await existing();
    await remove(id, properties(), using());
    expect(github.hooks).toHaveLength(1);
  });
});

test('an update of an identity that an interrupted Create left keeps it', async () => {
  const { physicalId } = await update('Images-Webhook-1K2J3', properties(), properties(), using());
  expect(physicalId).toBe('Images-Webhook-1K2J3');
  expect(github.hooks).toHaveLength(1);
});

test('the repair reads the failed deliveries of a day, page by page, '
  + 'and not those that were sent again with success', async () => {
  const hookId = (await existing()).split('/')[1];
  await github.idle();
  receiver.status = 503;
  const failed = [];
  for (let n = 0; n < 120; n++) { failed.push(await github.deliver('package', { n }, { hookId: Number(hookId) })); }
  receiver.status = 200;
  await github.redeliver(failed[0][0].id);
  await repair(using({ now: () => Date.now() }));
  expect(log.lines.at(-1))
    .toMatchObject({ level: 'warn', detail: { cause: '503 Invalid HTTP Response: 503', count: 119 } });
});
