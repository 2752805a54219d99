import { RequestError } from '@octokit/request-error';
import { isRateLimit } from './github-rate-limit';

/** What an explanation names; never the token itself. */
export interface TokenContext {
  readonly organization: string;
  readonly tokenName: string;
}

/** GitHub refused a request, and a person has to act. */
export class GitHubRefusal extends Error {
  public override readonly name = 'GitHubRefusal';
  constructor(message: string, public readonly status: number) {
    super(message);
  }
}

/**
 * Turns GitHub's refusal of a packages request into one that names the fix. Anything else is returned as it is.
 *
 * @see https://docs.github.com/en/packages/learn-github-packages/about-permissions-for-github-packages
 */
export function explainPackagesError(error: unknown, context: TokenContext, packageName?: string): unknown {
  if (!(error instanceof RequestError)) { return error; }
  const what = packageName === undefined
    ? `list the packages of organization "${context.organization}"`
    : `list the versions of package "${packageName}" of organization "${context.organization}"`;
  const fix = packagesFix(error, context, packageName);
  return fix === undefined ? error : new GitHubRefusal(`GitHub answered ${error.status} to "${what}": ${fix}`, error.status);
}

function packagesFix(error: RequestError, { organization, tokenName }: TokenContext, packageName?: string): string | undefined {
  const sso = String(error.response?.headers['x-github-sso'] ?? '');
  const classic = 'It must be a classic personal access token with the scope read:packages: fine-grained and App tokens cannot read packages.';
  switch (error.status) {
    case 400:
      return `the token in secret "${tokenName}" is of a kind that GitHub refuses here. ${classic}`;
    case 401:
      return `the token in secret "${tokenName}" is expired, revoked or mistyped. Create another and put it into the secret. ${classic}`;
    case 403:
      if (isRateLimit(error)) { return undefined; }
      return sso.startsWith('required')
        ? `organization "${organization}" enforces SAML single sign-on and the token in secret "${tokenName}" is not authorized for it. Open the token's "Configure SSO" in GitHub and authorize the organization.`
        : `the token in secret "${tokenName}" lacks a permission. ${classic}`;
    case 404:
      return packageName === undefined
        ? `no such organization, or the token in secret "${tokenName}" may not see it. Check the spelling of "organization", and the token. ${classic}`
        : `the package is gone, or the owner of the token in secret "${tokenName}" may not read it. Give that user read access in the package's settings, or restore the package.`;
    default:
      return undefined;
  }
}
