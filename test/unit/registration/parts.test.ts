import { isExecuteApiUrl } from '../../../lambda/registration/own-hook';
import { hookIdIn, organizationIn, physicalId } from '../../../lambda/registration/physical-id';
import { parseHookProperties, parseRegistrationProperties } from '../../../lambda/registration/properties';
import { within } from '../../../lambda/registration/within';

describe('properties', () => {
  const minimal = { organization: 'My-Org', endpointUrl: 'https://example.com/packages' };
  const defaults = { ...minimal, githubApiUrl: 'https://api.github.com', active: 'true', selection: '' };
  test.each<[string, object, object]>([
    ['of the first version', minimal, defaults],
    ['with empty texts', { ...minimal, githubApiUrl: '', active: '', selection: '' }, defaults],
    ['with null', { ...minimal, githubApiUrl: null, selection: null }, defaults],
    ['with scalars that are no text', { ...minimal, active: false, selection: 7 },
      { ...defaults, active: 'false', selection: '7' }],
    ['with more than is known', { ...minimal, ServiceToken: 'arn', later: 'x' }, defaults],
  ])('%s', (_, given, expected) => {
    expect(parseHookProperties({ ...given })).toEqual(expected);
  });

  test.each(['organization', 'endpointUrl'])('rejects a missing %s', name => {
    expect(() => parseHookProperties({ ...minimal, [name]: '' }))
      .toThrow(`Property "${name}" of the webhook registration is missing`);
  });

  test('an older version tells nothing of its token', () => {
    expect(parseRegistrationProperties(minimal).webhookToken).toBeUndefined();
    expect(parseRegistrationProperties({ ...minimal, webhookToken: 'none' }).webhookToken).toBe('none');
  });
});

describe('physical id', () => {
  test.each([['My-Org', 12, 'my-org/12', 12], ['my-org', 'none', 'my-org/none', 'none']] as const)(
    'of %s, %s',
    (organization, hook, id, back) => {
      expect(physicalId(organization, hook)).toBe(id);
      expect(hookIdIn(id)).toBe(back);
      expect(organizationIn(id)).toBe('my-org');
    },
  );

  test.each([
    'Images-Webhook-1K2J3',
    'a/b/12',
    'my-org/',
    'my-org/12x',
    '/12',
    'AWSCDK::CustomResourceProviderFramework::CREATE_FAILED',
  ])('%s is none of ours', id => {
    expect(hookIdIn(id)).toBeUndefined();
    expect(organizationIn(id)).toBeUndefined();
  });

  test('of a hook that is known by its URL alone names its organization', () => {
    expect([hookIdIn('my-org/unknown'), organizationIn('my-org/unknown')]).toEqual([undefined, 'my-org']);
  });
});

describe('the URL of an API of this region', () => {
  test.each([
    ['https://a1b2c3.execute-api.eu-west-1.amazonaws.com/packages', true],
    ['https://a1b2c3.execute-api.eu-west-1.amazonaws.com.cn/packages', true],
    ['https://a1b2c3.execute-api.us-east-1.amazonaws.com/packages', false],
    ['https://a1b2c3.execute-api.eu-west-1.amazonaws.com/other', false],
    ['http://a1b2c3.execute-api.eu-west-1.amazonaws.com/packages', false],
    ['https://a1b2c3.execute-api.eu-west-1.amazonaws.com.evil.example/packages', false],
    ['https://evil.example/a1b2c3.execute-api.eu-west-1.amazonaws.com/packages', false],
  ])('%s: %p', (url, expected) => {
    expect(isExecuteApiUrl(url, 'eu-west-1')).toBe(expected);
  });
});

describe('within', () => {
  test('gives what the work gives', async () => {
    expect(await within(1_000, 'late', async () => 7)).toBe(7);
  });

  test('fails when the time is over, and tells the work', async () => {
    let told: AbortSignal | undefined;
    await expect(within(5, 'late', signal => { told = signal; return new Promise(() => undefined); }))
      .rejects.toThrow('late');
    expect(told?.aborted).toBe(true);
  });
});

test('a property that is an object is taken for missing, also when it has a toString of its own', () => {
  expect(() => parseHookProperties({ organization: { toString: 1 }, endpointUrl: 'https://a' })).toThrow('Property "organization"');
});
