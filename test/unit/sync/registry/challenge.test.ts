import { isAllowedRedirect, parseChallenge, UntrustedAddress } from '../../../../lambda/sync/registry/challenge';

const GHCR = 'https://ghcr.io';
const bearer = (realm: string): string => `Bearer realm="${realm}",service="ghcr.io",scope="repository:a/b:pull"`;

describe('the login goes to', () => {
  test.each([
    ['the registry itself', GHCR, 'https://ghcr.io/token'],
    ['another port of its host', GHCR, 'https://ghcr.io:8443/token'],
    ['the host of an Enterprise Server', 'https://containers.github.example.com', 'https://github.example.com/token'],
    ['a registry on this machine', 'http://127.0.0.1:5000', 'http://127.0.0.1:5001/token'],
  ])('%s', (_, registry, realm) => {
    expect(parseChallenge(bearer(realm), registry)).toEqual({ realm: new URL(realm), service: 'ghcr.io' });
  });
});

describe('the login is refused to', () => {
  test.each([
    ['another host', GHCR, 'https://attacker.example/token'],
    ['a host that begins like the registry', GHCR, 'https://ghcr.io.attacker.example/token'],
    ['a host that ends like the registry', GHCR, 'https://attackerghcr.io/token'],
    ['a subdomain of the registry', GHCR, 'https://pages.ghcr.io/token'],
    ['the top-level domain', GHCR, 'https://io/token'],
    ['the registry without encryption', GHCR, 'http://ghcr.io/token'],
    ['the registry as a user name', GHCR, 'https://ghcr.io@attacker.example/token'],
    ['an address with a login of its own', GHCR, 'https://user:password@ghcr.io/token'],
    ['a sibling below an Enterprise Server', 'https://containers.github.example.com', 'https://pages.github.example.com/'],
    ['an address of numbers that a registry is no part of', 'https://10.1.2.3', 'https://1.2.3/token'],
    ['no address', GHCR, '/token'],
    ['a file', GHCR, 'file:///etc/passwd'],
  ])('%s', (_, registry, realm) => {
    expect(() => parseChallenge(bearer(realm), registry)).toThrow(UntrustedAddress);
  });
});

test.each([
  ['Basic', 'Basic realm="ghcr"'], ['no realm', 'Bearer service="ghcr.io"'], ['nothing', ''], ['another word', 'Bearers realm="https://ghcr.io"'],
])('a challenge of %s asks for no token', (_, header) => {
  expect(parseChallenge(header, GHCR)).toBeUndefined();
});

test.each([
  ['https://storage.example/blob?signature=1', GHCR, true],
  ['/v2/elsewhere', GHCR, true],
  ['http://storage.example/blob', GHCR, false],
  ['file:///etc/passwd', GHCR, false],
  ['http://[', GHCR, false],
  ['http://127.0.0.1:1/blob', 'http://127.0.0.1:2', true],
])('a redirect to %s from %s is followed: %s', (location, from, allowed) => {
  expect(isAllowedRedirect(location, new URL(from))).toBe(allowed);
});

test('rejects a realm of control characters on one line', () => {
  expect(() => parseChallenge('Bearer realm="https://ghcr.io\u007f\u0085x"', GHCR)).toThrow('"https://ghcr.io\\u007f\\u0085x"');
});
