import { committed, LogicalIds, losses, synthesized } from './logical-ids';

const NAMES = ['default', 'every prop'];
const before = committed();
let now: ReturnType<typeof synthesized>;
beforeAll(() => { now = synthesized(); });

test('the committed list has the mirrors that are compared', () => {
  expect(Object.keys(before)).toEqual(NAMES);
  NAMES.forEach(name => expect(Object.keys(before[name]).length).toBeGreaterThan(20));
});

describe.each(NAMES)('the logical ids of the mirror: %s', name => {
  test('keep the resources whose replacement costs users something', () => {
    expect(losses(before[name], now[name])).toEqual([]);
  });

  test('are the committed ones', () => {
    // A resource was added, or one without state was moved or removed. If that was meant, run
    //   npx tsx test/construct/update-logical-ids.ts
    // and commit the changed list.
    expect(now[name]).toEqual(before[name]);
  });
});

describe('a user loses', () => {
  const hook = (id: string): LogicalIds => ({ 'Mirror/Webhook/Default': { type: 'Custom::GhcrMirrorWebhook', id } });
  const ROLE: LogicalIds = { 'Mirror/Role': { type: 'AWS::IAM::Role', id: 'Role1' } };

  test('the webhook when the custom resource gets another logical id', () => {
    expect(losses(hook('Hook1'), hook('Hook2')))
      .toEqual([expect.stringMatching(/Hook1 .* became Hook2 .* former resource is deleted .* webhook in GitHub/)]);
  });

  test.each([
    'AWS::SecretsManager::Secret', 'AWS::SQS::Queue', 'AWS::Logs::LogGroup', 'AWS::ApiGatewayV2::Api',
  ])('a resource of type %s that is gone', type => {
    expect(losses({ 'Mirror/Thing': { type, id: 'Thing1' } }, {}))
      .toEqual([expect.stringContaining(`Mirror/Thing: Thing1 (${type}) is gone.`)]);
  });

  test('nothing when a role is replaced or a resource is added', () => {
    expect(losses(ROLE, hook('Hook1'))).toEqual([]);
    expect(losses(hook('Hook1'), { ...hook('Hook1'), ...ROLE })).toEqual([]);
  });
});
