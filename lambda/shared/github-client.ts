import { Octokit } from '@octokit/core';
import { paginateRest } from '@octokit/plugin-paginate-rest';
import { retry } from '@octokit/plugin-retry';
import { throttling } from '@octokit/plugin-throttling';
import { RequestError } from '@octokit/request-error';
import type Bottleneck from 'bottleneck';

export interface GitHubClientOptions {
  /** `https://api.github.com` */
  readonly apiUrl: string;
  readonly token: string;
  /** A wait that GitHub demands (rate limits) is obeyed up to this long, in seconds; beyond, the request fails. */
  readonly maxWaitSeconds: number;
  /**
   * How long GitHub may take for one answer with its body, milliseconds. A request that takes longer is tried again,
   * three times.
   *
   * @default 30 000
   */
  readonly timeoutMs?: number;
  readonly warn: (message: string) => void;
  /** Called for each request that is sent, further tries included. */
  readonly onRequest?: () => void;
  /** Called with the headers of each answer, refusals included. */
  readonly onAnswer?: (headers: Headers) => void;
  /**
   * Limiter that spaces the requests that write.
   *
   * @default - one write in a second for all clients of the process, as GitHub advises
   * @see https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
   */
  readonly writes?: Bottleneck.Group;
}

/**
 * An aborted request is not tried again, because nobody waits for its answer any more. This plugin has to
 * come before the one that retries.
 */
function noRetryWhenAborted(octokit: Octokit): object {
  octokit.hook.error('request', (error, { request }) => {
    if (request.signal?.aborted) { request.retries = 0; }
    throw error;
  });
  return {};
}

const MirrorOctokit = Octokit.plugin(noRetryWhenAborted, wholeAnswers, paginateRest, retry, throttling);

export type GitHubClient = InstanceType<typeof MirrorOctokit>;

const MAX_WAITS = 5;

const TIMEOUT_MS = 30_000;

/** Characters that HTTP lets a header's value consist of, without the white space that no token has. */
const TOKEN = /^[\x21-\x7e]+$/;

/**
 * A client that pages, tries again what can pass, and waits as long as GitHub asks, within bounds.
 *
 * @throws when no header could hold the token: fetch() would quote it in its error, and try it again
 */
export function createGitHubClient(options: GitHubClientOptions): GitHubClient {
  if (!TOKEN.test(options.token)) {
    throw new Error('The token for GitHub holds white space or characters that are not ASCII, expected one '
      + 'bare token: put the token alone into the secret with `aws secretsmanager put-secret-value`.');
  }
  return new MirrorOctokit({
    auth: options.token,
    baseUrl: options.apiUrl,
    userAgent: 'cdk-ghcr2ecr',
    request: { fetch: observedFetch(options) },
    throttle: {
      ...(options.writes && { write: options.writes }),
      onRateLimit: waitPolicy('rate limit', options),
      onSecondaryRateLimit: waitPolicy('secondary rate limit', options),
    },
    // Octokit warns of deprecations and failed requests; none of these lines holds a token.
    log: { debug: () => undefined, info: () => undefined, warn: options.warn, error: options.warn },
  });
}

/**
 * Octokit gives an answer whose body broke off as text, or as nothing, and its paging takes that for an empty page.
 * This plugin makes it a
 * failed request. It stands before the plugin that tries again what failed.
 */
function wholeAnswers(octokit: Octokit): Record<string, never> {
  octokit.hook.after('request', (response, options) => {
    const body: unknown = response.data;
    if (options.method !== 'GET' || response.status !== 200 || (typeof body === 'object' && body !== null)) { return; }
    throw new RequestError('GitHub\'s answer broke off, expected a whole JSON document.', 502, {
      request: options,
      response,
    });
  });
  return {};
}

function waitPolicy(kind: string, { maxWaitSeconds, warn }: GitHubClientOptions) {
  return (retryAfter: number, request: {
    readonly method: string;
    readonly url: string;
  }, _octokit: unknown, retryCount: number): boolean => {
    const wait = retryAfter <= maxWaitSeconds && retryCount < MAX_WAITS;
    warn(`GitHub ${kind} on ${request.method} ${request.url}: asked to wait ${retryAfter} s, `
      + `${wait ? 'waiting' : 'giving up'}.`);
    return wait;
  };
}

function observedFetch({ timeoutMs = TIMEOUT_MS, onRequest, onAnswer }: GitHubClientOptions): typeof fetch {
  return async (input, init) => {
    onRequest?.();
    const signals = [AbortSignal.timeout(timeoutMs), ...init?.signal ? [init.signal] : []];
    const answer = await fetch(input, { ...init, signal: AbortSignal.any(signals) });
    onAnswer?.(answer.headers);
    return answer;
  };
}
