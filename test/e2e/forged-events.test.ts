import { HookWorld } from './hook-world';
import { HttpServer, sendJson, serve } from '../../sandbox/http-server';

jest.setTimeout(180_000);

/** Somebody who may invoke the registration function, and has a server that takes whatever comes for GitHub's API. */
let attacker: HttpServer;
let world: HookWorld;
/** Somebody else's hook of the organization. */
let theirs: number;
beforeAll(async () => {
  attacker = await serve((request, response) => {
    request.resume();
    sendJson(response, 200, request.method === 'GET' ? [] : { id: 1, active: true, events: [], config: {} });
  });
  world = await HookWorld.start();
  await world.deploy();
  const hook = await world.ask(
    'POST',
    'hooks',
    { name: 'web', events: ['package'], config: { url: THEIR_URL, content_type: 'json', secret: 'theirs' } },
  );
  theirs = Number(hook.id);
});
afterAll(async () => {
  await world.close();
  await attacker.close();
});

const THEIR_URL = 'https://example.com/theirs';

async function invoke(event: object): Promise<string> {
  const { payload } = await world.cloud.services.lambda.invoke(world.stack.outputs.RegistrationFunctionName, event);
  return payload;
}

/** The properties of the mirror's own custom resource, with some of them changed. */
function properties(changes: object = {}): object {
  return {
    organization: 'My-Org',
    endpointUrl: world.stack.outputs.EndpointUrl,
    githubApiUrl: world.api.url,
    active: 'true',
    webhookToken: 'arn',
    ...changes,
  };
}

const ours = (): string =>
  `my-org/${world.github.hooks.find(({ url }) => url === world.stack.outputs.EndpointUrl)?.id}`;

type Attack = [string, () => object];
const ATTACKS: Attack[] = [
  ['a repair of another API', () => ({ kind: 'repair', hook: properties({ githubApiUrl: attacker.url }) })],
  ['a repair that adopts somebody\'s hook', () => ({ kind: 'repair', hook: properties(), hookId: String(theirs) })],
  ['a repair to another endpoint', () => ({ kind: 'repair', hook: properties({ endpointUrl: 'https://attacker.example/packages' }) })],
  ['a redelivery of another API', () => ({ kind: 'redelivery', hook: properties({ githubApiUrl: attacker.url }) })],
  ['a Create at another API',
    () => ({ RequestType: 'Create', ResourceProperties: properties({ githubApiUrl: attacker.url }) })],
  ['a Create to another endpoint', () => ({ RequestType: 'Create', ResourceProperties: properties({ endpointUrl: 'https://attacker.example/packages' }) })],
  ['a Create in another organization',
    () => ({ RequestType: 'Create', ResourceProperties: properties({ organization: 'Other-Org' }) })],
  ['an Update at another API', () => ({
    RequestType: 'Update',
    PhysicalResourceId: ours(),
    ResourceProperties: properties({ githubApiUrl: attacker.url }),
    OldResourceProperties: properties(),
  })],
  ['an Update from another API to a third', () => ({
    RequestType: 'Update',
    PhysicalResourceId: ours(),
    ResourceProperties: properties({ githubApiUrl: attacker.url }),
    OldResourceProperties: properties({ githubApiUrl: `${attacker.url}/x` }),
  })],
  ['an Update of somebody\'s hook', () => ({
    RequestType: 'Update',
    PhysicalResourceId: `my-org/${theirs}`,
    ResourceProperties: properties(),
    OldResourceProperties: properties({ endpointUrl: THEIR_URL }),
  })],
  ['a Delete at another API', () => ({
    RequestType: 'Delete',
    PhysicalResourceId: ours(),
    ResourceProperties: properties({ githubApiUrl: attacker.url }),
  })],
  ['a Delete of somebody\'s hook', () => ({
    RequestType: 'Delete',
    PhysicalResourceId: `my-org/${theirs}`,
    ResourceProperties: properties({ endpointUrl: THEIR_URL }),
  })],
];

/** One after the other: each alone must leave no trace. */
test('forged events send nothing to another host, and change nobody\'s hook', async () => {
  const outcomes: string[] = [];
  for (const [name, event] of ATTACKS) {
    const payload = await invoke(event());
    const damage = [
      attacker.requests.length > 0 ? `${attacker.requests.length} requests sent to the attacker` : '',
      world.other.hooks.length > 0 ? 'a hook in another organization' : '',
      world.github.hooks.some(({ url }) => url.includes('attacker')) ? 'a hook leads to the attacker' : '',
      world.github.hooks.some(hook => hook.id === theirs && hook.url === THEIR_URL && hook.secretIs('theirs'))
        ? ''
        : 'somebody\'s hook was changed',
      world.tokens.hooks !== '' && payload.includes(world.tokens.hooks) ? 'the token was answered' : '',
    ].filter(text => text !== '');
    if (damage.length > 0) { outcomes.push(`${name}: ${damage.join(', ')}`); }
  }
  process.stdout.write(`${ATTACKS.length} forged events: ${attacker.requests.length} requests `
    + 'sent to the wrong place\n');
  expect(outcomes).toEqual([]);
  // A forged Delete may cost our own hook, until the schedule looks.
  await invoke({ kind: 'redelivery' });
  expect(world.github.hooks.filter(({ url }) => url === world.stack.outputs.EndpointUrl)).toHaveLength(1);
});

test('rejects an unknown request', async () => {
  expect(await invoke({ kind: 'rewrite' })).toContain('expected \\"repair\\" or \\"redelivery\\"');
});

test.each<[string, object, string]>([
  ['that is an array', [], 'expected an object'],
  ['without properties', { RequestType: 'Create' }, 'Property \\"organization\\"'],
  ['with an identity that is no text', { RequestType: 'Delete', PhysicalResourceId: [[]] }, '"PhysicalResourceId":""'],
])('answers an event %s without an error of the language', async (_, event, text) => {
  const payload = await invoke(event);
  expect(payload).toContain(text);
  expect(payload).not.toMatch(/TypeError|RangeError/);
});
