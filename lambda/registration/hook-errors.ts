import { RequestError } from '@octokit/request-error';
import { GitHubRefusal, TokenContext } from '../shared/github-errors';
import { isRateLimit } from '../shared/github-rate-limit';

const PERMISSION = 'It must belong to an owner of the organization and be a fine-grained token of the organization '
  + 'with the organization permission '
  + '"Webhooks: read and write", or a classic token with the scope admin:org_hook';
const WHERE = 'GitHub shows and makes tokens under Settings > Developer settings > Personal access tokens';

/** GitHub has the hook already: same URL, same event. */
export function isDuplicate(error: unknown): boolean {
  return error instanceof RequestError && error.status === 422 && /already exists/i.test(detailsOf(error));
}

export function isGone(error: unknown): boolean {
  return error instanceof RequestError && error.status === 404;
}

/**
 * Turns GitHub's refusal of a hooks request into an error that names the token's secret and the fix.
 * Every refusal becomes another error, even one without a known fix: the original holds the body of
 * the request, in it the webhook secret, and Lambda logs every property of an error that leaves the
 * handler (https://github.com/aws/aws-lambda-nodejs-runtime-interface-client/blob/main/src/Errors.js).
 * Anything else is returned as it is.
 */
export function explainHooksError(error: unknown, { organization, tokenName }: TokenContext): unknown {
  if (!(error instanceof RequestError)) { return error; }
  return new GitHubRefusal(
    `GitHub answered ${error.status} to the webhook of organization "${organization}", `
      + `with the token in secret "${tokenName}": ${fixOf(error, organization, tokenName)}`,
    error.status);
}

function fixOf(error: RequestError, organization: string, tokenName: string): string {
  const replace = `${PERMISSION}. ${WHERE}; put the new one there with \`aws secretsmanager put-secret-value `
    + `--secret-id ${tokenName} --secret-string TOKEN\`.`;
  if (isRateLimit(error)) { return `GitHub's rate limit is used up (${error.message}). Deploy again later.`; }
  switch (error.status) {
    case 401:
      return `the token is expired, revoked or mistyped. ${replace}`;
    case 403:
      return forbidden(error, replace);
    case 404:
      return `there is no organization "${organization}", or the token may not manage its webhooks, `
        + `which GitHub does not tell apart. Check the spelling of "organization". ${PERMISSION}. ${WHERE}.`;
    case 422:
      return unprocessable(error);
    default:
      return `${error.message}. Deploy again when https://www.githubstatus.com shows no problem.`;
  }
}

function forbidden(error: RequestError, replace: string): string {
  const headers = error.response?.headers ?? {};
  const sso = String(headers['x-github-sso'] ?? '');
  if (sso.startsWith('required')) {
    const url = /url=(\S+)/.exec(sso)?.[1];
    return 'the organization enforces SAML single sign-on and the token is not authorized for it. '
      + `${WHERE}: press "Configure SSO" beside the token and authorize the `
      + `organization${url === undefined ? '' : `, or open ${url}`}.`;
  }
  const accepted = String(headers['x-accepted-github-permissions'] ?? headers['x-accepted-oauth-scopes'] ?? '');
  return `the token lacks a permission${accepted === '' ? '' : ` (GitHub accepts: ${accepted})`}. ${replace}`;
}

function unprocessable(error: RequestError): string {
  const message = detailsOf(error);
  if (/20 hooks|maximum|limit/i.test(message)) {
    return `the organization has 20 webhooks for this event, which is GitHub's limit (${message}). `
      + 'Delete one that is not used any more under Organization settings > Webhooks.';
  }
  if (/already exists/i.test(message)) {
    return `another webhook of the organization has this URL (${message}). `
      + 'Delete it under Organization settings > Webhooks.';
  }
  return `GitHub takes the webhook for invalid (${message}). `
    + "It must be able to reach the endpoint's URL from the internet.";
}

interface ValidationError { readonly message?: string; readonly code?: string; readonly field?: string }

function detailsOf(error: RequestError): string {
  const data = error.response?.data as {
    readonly message?: string;
    readonly errors?: readonly ValidationError[];
  } | undefined;
  const details = (data?.errors ?? [])
    .map(({ message, field, code }) => message ?? `${field ?? ''} ${code ?? ''}`.trim());
  return details.length > 0 ? details.join('; ') : error.message;
}
