import type { ECRClient } from '@aws-sdk/client-ecr';
import { registryLogin, RegistryLogin } from '../../shared/ecr';

/** Any non-empty user name will do for GHCR: the token says who it is. */
const GHCR_USER = 'token';

/** The logins of both registries, as they are now. */
export class RegistryLogins {
  private ecrLogin: RegistryLogin | undefined;

  /**
   * @param host the registry that is mirrored
   * @param token its token, as it was read a moment ago
   * @param readToken reads it anew: a long build outlives a rotation
   */
  constructor(
    private readonly ecr: ECRClient, private readonly host: string, private token: string, private readonly readToken: () => Promise<string>,
  ) {}

  public get source(): RegistryLogin {
    return { host: this.host, user: GHCR_USER, password: this.token };
  }

  /** @throws before `begin` */
  public get target(): RegistryLogin {
    if (!this.ecrLogin) { throw new Error('ECR was used before the login to it.'); }
    return this.ecrLogin;
  }

  /** Logs in to ECR; the token was read a moment ago. */
  public async begin(): Promise<void> {
    this.ecrLogin = await registryLogin(this.ecr);
  }

  public async renew(): Promise<void> {
    this.token = await this.readToken();
    await this.begin();
  }
}
