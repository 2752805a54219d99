import fc from 'fast-check';
import {
  Challenge,
  isAllowedRedirect,
  parseChallenge,
  UntrustedAddress,
} from '../../../lambda/sync/registry/challenge';
import { jumbledHeader } from '../inputs/text';
import { FuzzTarget, require, requireOwnError } from '../target';

interface Asked {
  readonly header: string;
  readonly location: string;
  readonly registry: string;
}

/** Hosts that may be given the login, by registry. */
const TRUSTED: Readonly<Record<string, readonly string[]>> = {
  'https://ghcr.io': ['ghcr.io'],
  'https://containers.acme.ghe.com': ['containers.acme.ghe.com', 'acme.ghe.com'],
  'http://127.0.0.1:5000': ['127.0.0.1'],
};

/** Headers as registries write them, with realms from nearly right to hostile. */
const wellFormed = fc
  .tuple(
    fc.constantFrom('https://', 'https://', 'http://', 'https://user@', '//'),
    fc.constantFrom(
      'ghcr.io',
      'GHCR.io',
      'ghcr.io.',
      'containers.acme.ghe.com',
      'acme.ghe.com',
      'ghe.com',
      '127.0.0.1:5000',
      'attacker.example',
      'ghcr.io@attacker.example',
    ),
    jumbledHeader('/token', ':443', ':8443', '?x=1', '#', '\\', '@attacker.example', '.attacker.example'),
  )
  .map(
    ([scheme, host, rest]) =>
      `Bearer realm="${scheme}${host}${rest.replaceAll('"', '')}",service="ghcr.io",scope="x"`,
  );

export function challenges(): FuzzTarget<Asked> {
  return {
    name: 'challenges',
    share: 110,
    input: fc.record({
      header: fc.oneof(
        wellFormed,
        jumbledHeader(
          'Bearer ',
          'Bearer realm="',
          'bearer\t',
          'Basic ',
          'realm=',
          '"',
          ',',
          ' ',
          'service="ghcr.io"',
          'https://',
          'http://',
          'ghcr.io',
          '/token"',
          'containers.acme.ghe.com',
          'acme.ghe.com',
          'attacker.example',
          '@',
          ':443',
          '127.0.0.1',
          '#',
          '?',
          '\\',
        ),
      ),
      location: jumbledHeader(
        'https:',
        'http:',
        '//',
        '/',
        'ghcr.io',
        'cdn.example',
        '@',
        '?',
        '#',
        'ftp:',
        'data:,',
        '\\',
        '..',
      ),
      registry: fc.constantFrom(...Object.keys(TRUSTED)),
    }),
    check({ header, location, registry }) {
      requireSafeRedirect(location, registry);
      let challenge: Challenge | undefined;
      try {
        challenge = parseChallenge(header, registry);
      } catch (error) {
        requireOwnError(error, UntrustedAddress);
        return 'refused';
      }
      if (challenge === undefined) {
        return 'no token';
      }
      const { protocol, hostname, username, password } = challenge.realm;
      require(protocol === new URL(registry).protocol, () => `the login would go over ${protocol} to ${hostname}`);
      require(TRUSTED[registry]?.includes(hostname) === true, () => `the login would go to ${hostname}`);
      require(username === '' && password === '', () => 'the realm names a login');
      return 'trusted';
    },
    mustSee: ['refused', 'no token', 'trusted'],
    timed: true,
  };
}

function requireSafeRedirect(location: string, registry: string): void {
  if (!isAllowedRedirect(location, new URL(registry))) {
    return;
  }
  const { protocol } = new URL(location, registry);
  require(protocol === 'https:' || (protocol === 'http:' && registry.startsWith('http:')), () =>
    `a redirect to ${protocol} is followed`);
}
