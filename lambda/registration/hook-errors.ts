import { RequestError } from '@octokit/request-error';
import { GitHubRefusal, TokenContext } from '../shared/github-errors';

const PERMISSION = 'It must belong to an owner of the organization and be a fine-grained token of the organization with the organization permission '
  + '"Webhooks: read and write", or a classic token with the scope admin:org_hook.';

/** GitHub has the hook already: same URL, same event. */
export function isDuplicate(error: unknown): boolean {
  return error instanceof RequestError && error.status === 422 && /already exists/i.test(messageOf(error));
}

export function isGone(error: unknown): boolean {
  return error instanceof RequestError && error.status === 404;
}

/** Turns GitHub's refusal of a hooks request into one that names the fix. Anything else is returned as it is. */
export function explainHooksError(error: unknown, context: TokenContext): unknown {
  if (!(error instanceof RequestError)) { return error; }
  const fix = hooksFix(error, context);
  return fix === undefined ? error
    : new GitHubRefusal(`GitHub answered ${error.status} to the webhook of organization "${context.organization}": ${fix}`, error.status);
}

function hooksFix(error: RequestError, { organization, tokenName }: TokenContext): string | undefined {
  const sso = String(error.response?.headers['x-github-sso'] ?? '');
  const accepted = String(error.response?.headers['x-accepted-github-permissions'] ?? error.response?.headers['x-accepted-oauth-scopes'] ?? '');
  switch (error.status) {
    case 401:
      return `the token in secret "${tokenName}" is expired, revoked or mistyped. Create another and put it into the secret. ${PERMISSION}`;
    case 403:
      if (/rate limit/i.test(error.message)) { return undefined; }
      return sso.startsWith('required')
        ? `the organization enforces SAML single sign-on and the token in secret "${tokenName}" is not authorized for it. Open the token's "Configure SSO" in GitHub and authorize the organization.`
        : `the token in secret "${tokenName}" lacks a permission${accepted ? ` (GitHub accepts: ${accepted})` : ''}. ${PERMISSION}`;
    case 404:
      return `there is no organization "${organization}", or the token in secret "${tokenName}" may not manage its webhooks, which GitHub does not tell apart. Check the spelling of "organization". ${PERMISSION}`;
    case 422:
      return unprocessable(error);
    default:
      return undefined;
  }
}

function unprocessable(error: RequestError): string {
  const message = messageOf(error);
  if (/20 hooks|maximum|limit/i.test(message)) {
    return `it has 20 webhooks for this event, which is GitHub's limit (${message}). Delete one that is not used any more under Organization settings > Webhooks.`;
  }
  return `the webhook is not valid (${message}). GitHub must be able to reach the URL of the endpoint from the internet.`;
}

interface ValidationError { readonly message?: string; readonly code?: string; readonly field?: string }

function messageOf(error: RequestError): string {
  const data = error.response?.data as { readonly errors?: readonly ValidationError[] } | undefined;
  const details = (data?.errors ?? []).map(({ message, field, code }) => message ?? `${field ?? ''} ${code ?? ''}`.trim());
  return [error.message, ...details].join('; ');
}
