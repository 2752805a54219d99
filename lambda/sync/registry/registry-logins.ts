import type { ECRClient } from '@aws-sdk/client-ecr';
import { registryLogin, RegistryLogin } from '../../shared/ecr';

/** GHCR accepts any non-empty user name: it knows the user by the token. */
const GHCR_USER = 'token';

/** The present logins to both registries. */
export class RegistryLogins {
  private ecrLogin: RegistryLogin | undefined;

  /**
   * @param host host of the registry that is mirrored
   * @param token the packages token, read a moment ago
   * @param readToken reads the token anew, because a long build can outlive a rotation
   */
  constructor(
    private readonly ecr: ECRClient,
    private readonly host: string,
    private token: string,
    private readonly readToken: () => Promise<string>,
  ) {}

  public get source(): RegistryLogin {
    return { host: this.host, user: GHCR_USER, password: this.token };
  }

  /** @throws before `begin` */
  public get target(): RegistryLogin {
    if (!this.ecrLogin) { throw new Error('ECR was used before the login to it.'); }
    return this.ecrLogin;
  }

  /** Logs in to ECR. The packages token was read a moment ago, so that it is not read again. */
  public async begin(): Promise<void> {
    this.ecrLogin = await registryLogin(this.ecr);
  }

  public async renew(): Promise<void> {
    this.token = await this.readToken();
    await this.begin();
  }
}
