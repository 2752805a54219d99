import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Duration } from 'aws-cdk-lib';
import type { CloudEvent } from '../../sandbox/aws/core/service';
import { EcrTokens } from '../../sandbox/aws/services/ecr/tokens';
import { image } from '../../sandbox/registry/images';
import { World } from '../../sandbox/world/world';

jest.setTimeout(90_000);

/** Everything of a run that somebody could read who may not read the secrets. */
interface Evidence { readonly where: string; readonly text: string }

let world: World;
let endpoint: string;
const evidence: Evidence[] = [];
const secrets = new Map<string, string>();

beforeAll(async () => {
  const issued = jest.spyOn(EcrTokens.prototype, 'issue');
  const events: CloudEvent[] = [];
  const groups = new Set<string>();
  world = await World.start({
    mirror: { coalescingWindow: Duration.seconds(0) },
    onEvent: event => { events.push(event); },
    beforeDeploy: async (before, assembly) => {
      await before.push('app', image({ seed: 'secret-1' }), '1');
      readTree(assembly).forEach(file => evidence.push(file));
    },
  });
  const arn = world.stack.outputs.WebhookSecretArn;
  const { SecretString: signing } = await world.cloud.call('secretsmanager', 'GetSecretValue', { SecretId: arn });
  Object.entries({ ...world.tokens, webhook: String(signing) }).forEach(([name, value]) => secrets.set(name, value));
  await refusals(events);
  endpoint = world.stack.outputs.EndpointUrl;
  keep('stack outputs', world.stack.outputs);
  world.cloud.services.logs.groups.forEach((_, name) => groups.add(name));
  await world.stack.delete();
  await world.settled();

  issued.mock.results.forEach(({ value }, n) =>
    secrets.set(`ecr password ${n}`, (value as ReturnType<EcrTokens['issue']>).password));
  world.cloud.services.codeBuild.builds.forEach(({ id, log }) => keep(`log ${id}`, log));
  groups.forEach(name => keep(`log ${name}`, world.cloud.logs(name)));
  events.forEach(event => keep(`event ${event.source} ${event.kind}`, event));
  keep('custom resource requests', world.cloud.services.customResources.requests);
  keep('delivery log', world.github.deliveries);
}, 90_000);
afterAll(() => world.close());

/** The first sync, then what makes every program complain. */
async function refusals(events: readonly CloudEvent[]): Promise<void> {
  await world.settled();
  if (world.cloud.services.codeBuild.builds[0]?.status !== 'SUCCEEDED') {
    throw new Error('the first sync was no success, and this run proves nothing: '
      + `${events.slice(-20).map(({ text }) => text).join('\n')}`);
  }
  const [{ id }] = world.github.hooks;
  await world.github.sendRaw(id, '{}', { headers: { 'X-Hub-Signature-256': `sha256=${'0'.repeat(64)}` } });
  await world.github.sendRaw(id, 'no JSON');
  // The request that fails has the webhook secret in its body.
  const refused =
    {
      fault: {
        kind: 'status',
        status: 422,
        headers: { 'content-type': 'application/json' },
        body: '{"message":"Validation Failed"}',
      },
    } as const;
  world.github.server.faults.add({ ...refused, method: 'PATCH', path: /hooks/ });
  await expect(world.redeploy({ coalescingWindow: Duration.seconds(0), webhookActive: false }))
    .rejects.toThrow('Validation Failed');
  // The packages token is revoked for a moment: dispatch complains.
  world.github.server.faults.add({ fault: { kind: 'status', status: 401, body: '{"message":"Bad credentials"}' }, path: /packages/, times: 1 });
  await world.push('app', image({ seed: 'secret-2' }), '2');
  await world.settled();
}

function keep(where: string, value: unknown): void {
  evidence.push({ where, text: JSON.stringify(value) });
}

function readTree(directory: string): Evidence[] {
  return readdirSync(directory).flatMap(name => {
    const path = join(directory, name);
    return statSync(path).isDirectory()
      ? readTree(path)
      : [{ where: `assembly ${name}`, text: readFileSync(path, 'utf8') }];
  });
}

/** Where a value stands, bare or in one of the codings that it travels in. */
function placesOf(value: string): string[] {
  const forms = [
    value,
    Buffer.from(value).toString('base64'),
    Buffer.from(`AWS:${value}`).toString('base64'),
    encodeURIComponent(value),
    JSON.stringify(value).slice(1, -1),
  ]
    .map(form => form.replace(/=+$/, ''));
  return evidence.filter(({ text }) => forms.some(form => text.includes(form))).map(({ where }) => where);
}

test('the run has left evidence of every kind, and it can be searched', () => {
  const kinds = new Set(evidence.map(({ where }) => where.split(' ')[0]));
  expect([...kinds].sort()).toEqual(['assembly', 'custom', 'delivery', 'event', 'log', 'stack']);
  expect(evidence.filter(({ where }) => where.startsWith('log'))
    .filter(({ text }) => text !== '[]')
    .map(({ where }) => where)
    .join())
    .toMatch(/(?=.*Webhook)(?=.*Dispatch)(?=.*SyncProject)(?=.*Registration.*Provider)/);
  // A value that is no secret has to be found, or the search above would prove nothing.
  expect(placesOf('github/organization-hooks').some(where => where.startsWith('log'))).toBe(true);
  expect(placesOf(endpoint)).toContain('stack outputs');
  keep('control', `password ${Buffer.from(`AWS:${secrets.get('ecr password 0')}`).toString('base64')}`);
  expect(placesOf(secrets.get('ecr password 0') ?? '')).toEqual(['control']);
  evidence.pop();
});

test('the run has used every secret', () => {
  expect([...secrets.keys()])
    .toEqual(expect.arrayContaining(['packages', 'hooks', 'publisher', 'webhook', 'ecr password 0']));
  expect([...secrets.values()].every(value => value.length >= 32)).toBe(true);
});

test('no log line, event, response, template or output holds a secret', () => {
  for (const [name, value] of secrets) { expect([name, placesOf(value)]).toEqual([name, []]); }
});
