import { failedDeliveries } from '../../../lambda/registration/failed-deliveries';
import type { HookDelivery } from '../../../lambda/registration/hooks';
import { hookIdIn, physicalId } from '../../../lambda/registration/physical-id';
import { parseHookProperties, parseRegistrationProperties } from '../../../lambda/registration/properties';
import { within } from '../../../lambda/registration/within';

describe('properties', () => {
  const minimal = { organization: 'My-Org', endpointUrl: 'https://example.com/packages' };
  const defaults = { ...minimal, githubApiUrl: 'https://api.github.com', active: 'true', selection: '' };
  test.each<[string, object, object]>([
    ['of the first version', minimal, defaults],
    ['with empty texts', { ...minimal, githubApiUrl: '', active: '', selection: '' }, defaults],
    ['with null', { ...minimal, githubApiUrl: null, selection: null }, defaults],
    ['with scalars that are no text', { ...minimal, active: false, selection: 7 }, { ...defaults, active: 'false', selection: '7' }],
    ['with more than is known', { ...minimal, ServiceToken: 'arn', later: 'x' }, defaults],
  ])('%s', (_, given, expected) => {
    expect(parseHookProperties({ ...given })).toEqual(expected);
  });

  test.each(['organization', 'endpointUrl'])('rejects a missing %s', name => {
    expect(() => parseHookProperties({ ...minimal, [name]: '' })).toThrow(`Property "${name}" of the webhook registration is missing`);
  });

  test('an older version tells nothing of its token', () => {
    expect(parseRegistrationProperties(minimal).webhookToken).toBeUndefined();
    expect(parseRegistrationProperties({ ...minimal, webhookToken: 'none' }).webhookToken).toBe('none');
  });
});

describe('physical id', () => {
  test.each([['My-Org', 12, 'my-org/12', 12], ['my-org', 'none', 'my-org/none', 'none']] as const)('of %s, %s', (organization, hook, id, back) => {
    expect(physicalId(organization, hook)).toBe(id);
    expect(hookIdIn(id)).toBe(back);
  });

  test.each(['Images-Webhook-1K2J3', 'a/b/12', 'my-org/', 'my-org/12x', '/12', 'AWSCDK::CustomResourceProviderFramework::CREATE_FAILED'])('%s is none of ours', id => {
    expect(hookIdIn(id)).toBeUndefined();
  });
});

describe('failed deliveries', () => {
  const delivery = (guid: string, statusCode: number, status = 'x'): HookDelivery => ({ guid, statusCode, status, event: 'package', deliveredAt: 'now' });
  test.each<[string, HookDelivery[], [string, number, string][]]>([
    ['none', [delivery('a', 200), delivery('b', 202)], []],
    ['by cause, the newest first', [delivery('b', 503), delivery('a', 503), delivery('c', 401)], [['503 x', 2, 'b'], ['401 x', 1, 'c']]],
    ['nothing answered, and a redirection', [delivery('a', 0), delivery('b', 302)], [['0 x', 1, 'a'], ['302 x', 1, 'b']]],
    ['sent again with success', [delivery('a', 202), delivery('a', 503)], []],
  ])('%s', (_, deliveries, expected) => {
    expect(failedDeliveries(deliveries).map(({ cause, count, newest }) => [cause, count, newest.guid])).toEqual(expected);
  });
});

describe('within', () => {
  test('gives what the work gives', async () => {
    expect(await within(1_000, 'late', async () => 7)).toBe(7);
  });

  test('fails when the time is over, and tells the work', async () => {
    let told: AbortSignal | undefined;
    await expect(within(5, 'late', signal => { told = signal; return new Promise(() => undefined); })).rejects.toThrow('late');
    expect(told?.aborted).toBe(true);
  });
});
