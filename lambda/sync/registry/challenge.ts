import { shown } from '../../shared/shown';
import { CausedError } from '../resilience/failure-cause';

/** A registry names an address for tokens, or redirects to one, that must not be followed. */
export class UntrustedAddress extends CausedError {
  public override readonly name = 'UntrustedAddress';
  public readonly failureCause = 'untrusted';
}

/** Where a registry gives tokens, as its `WWW-Authenticate: Bearer` header says. */
export interface Challenge {
  readonly realm: URL;
  readonly service: string;
}

/**
 * Reads a challenge. The login is sent to its realm, so the realm must be the registry's own host, or the host that
 * it is a subdomain of: GitHub Enterprise Server's registry is `containers.HOST`. It must speak https, but for a
 * registry on the same machine.
 *
 * @param header the WWW-Authenticate header
 * @param registry origin of the registry: `https://ghcr.io`
 * @returns undefined when the registry asks for something else than a token
 * @throws UntrustedAddress when the login would go to somebody else
 */
export function parseChallenge(header: string, registry: string): Challenge | undefined {
  if (!/^bearer\s/i.test(header)) { return undefined; }
  const realm = parameter(header, 'realm');
  if (realm === undefined) { return undefined; }
  const { protocol, hostname } = new URL(registry);
  if (!URL.canParse(realm) || !isTrusted(new URL(realm), protocol, hostname)) {
    throw new UntrustedAddress(`${hostname} asks to get a token from ${shown(realm)}, expected `
      + `an ${protocol}// address of ${trustedHosts(hostname).join(' or ')}. The login was not sent there.`);
  }
  return { realm: new URL(realm), service: parameter(header, 'service') ?? hostname };
}

/**
 * Whether a redirect may be followed. No credentials go along, but content must not come
 * over a line that anybody reads.
 */
export function isAllowedRedirect(location: string, from: URL): boolean {
  if (!URL.canParse(location, from.href)) { return false; }
  const { protocol } = new URL(location, from.href);
  return protocol === 'https:' || (protocol === 'http:' && from.protocol === 'http:');
}

function isTrusted(realm: URL, protocol: string, hostname: string): boolean {
  const credentials = realm.username !== '' || realm.password !== '';
  return realm.protocol === protocol && trustedHosts(hostname).includes(realm.hostname) && !credentials;
}

function trustedHosts(hostname: string): string[] {
  const parent = hostname.split('.').slice(1).join('.');
  // `io` is the parent of `ghcr.io`, and not a host of GitHub's. An address of numbers has no parent.
  return parent.includes('.') && !/^[\d.]+$/.test(hostname) ? [hostname, parent] : [hostname];
}

/** A quoted parameter of the header. Each name begins after a space or a comma. */
function parameter(header: string, name: string): string | undefined {
  const pattern = new RegExp(`[\\s,]${name}="([^"]*)"`, 'i');
  return pattern.exec(header)?.[1];
}
