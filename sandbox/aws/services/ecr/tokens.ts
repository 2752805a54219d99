import { randomBytes } from 'node:crypto';
import type { Clock } from '../../core/clock';
import type { Principal } from '../../core/service';

const LIFETIME_MS = 12 * 3600 * 1000;
/** Real ones have about this length; what can't carry them (a short field, an argument list) should fail here, too. */
const TOKEN_BYTES = 1800;

/** Passwords that GetAuthorizationToken issued, bound to who asked. */
export class EcrTokens {
  private readonly issued = new Map<string, { readonly principal: Principal; expiresAt: number }>();

  public constructor(private readonly clock: Clock) {}

  public issue(principal: Principal): { password: string; expiresAt: number } {
    const password = randomBytes(TOKEN_BYTES).toString('base64');
    const expiresAt = this.clock.now() + LIFETIME_MS;
    this.issued.set(password, { principal, expiresAt });
    return { password, expiresAt };
  }

  public check(authorization: string | undefined): Principal | 'missing' | 'invalid' | 'expired' {
    const encoded = /^Basic (.+)$/i.exec(authorization ?? '')?.[1];
    if (encoded === undefined) { return 'missing'; }
    const [user, password] = split(Buffer.from(encoded, 'base64').toString());
    const token = user === 'AWS' ? this.issued.get(password) : undefined;
    if (!token) { return 'invalid'; }
    return token.expiresAt > this.clock.now() ? token.principal : 'expired';
  }

  /** Ends every token now, as a clock jump of 12 hours would. */
  public expire(): void {
    for (const token of this.issued.values()) { token.expiresAt = 0; }
  }
}

function split(credentials: string): [string, string] {
  const at = credentials.indexOf(':');
  return at < 0 ? [credentials, ''] : [credentials.slice(0, at), credentials.slice(at + 1)];
}
