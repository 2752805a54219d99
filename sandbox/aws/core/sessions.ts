import { AwsError, Principal } from './service';
import { Credentials } from './sigv4';

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Temporary credentials that were handed out, by access key id. */
export class Sessions {
  private readonly issued = new Map<string, Credentials>();

  constructor(private readonly random: () => number) {}

  public issue(principal: Principal): Credentials {
    const credentials = {
      accessKeyId: `ASIA${this.draw(BASE32, 16)}`,
      secretAccessKey: this.draw(BASE64, 40),
      sessionToken: this.draw(BASE64, 120),
      principal,
    };
    this.issued.set(credentials.accessKeyId, credentials);
    return credentials;
  }

  public find(accessKeyId: string): Credentials {
    const credentials = this.issued.get(accessKeyId);
    if (!credentials) {
      throw new AwsError('UnrecognizedClientException', 'The security token included in the request is invalid.', 403);
    }
    return credentials;
  }

  private draw(alphabet: string, length: number): string {
    return Array.from({ length }, () => alphabet[Math.floor(this.random() * alphabet.length)]).join('');
  }
}
