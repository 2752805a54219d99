import { Octokit } from '@octokit/core';
import { paginateRest } from '@octokit/plugin-paginate-rest';
import { retry } from '@octokit/plugin-retry';
import { throttling } from '@octokit/plugin-throttling';
import type Bottleneck from 'bottleneck';

export interface GitHubClientOptions {
  /** `https://api.github.com` */
  readonly apiUrl: string;
  readonly token: string;
  /** A wait that GitHub demands (rate limits) is obeyed up to this long, in seconds; beyond, the request fails. */
  readonly maxWaitSeconds: number;
  readonly warn: (message: string) => void;
  /** Called for each request that is sent, further tries included. */
  readonly onRequest?: () => void;
  /**
   * Limiter that spaces the requests that write.
   *
   * @default - one write in a second for all clients of the process, as GitHub advises
   * @see https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
   */
  readonly writes?: Bottleneck.Group;
}

/**
 * An aborted request is not tried again, because nobody waits for its answer any more. This plugin has to come before the
 * one that retries.
 */
function noRetryWhenAborted(octokit: Octokit): object {
  octokit.hook.error('request', (error, { request }) => {
    if (request.signal?.aborted) { request.retries = 0; }
    throw error;
  });
  return {};
}

const MirrorOctokit = Octokit.plugin(noRetryWhenAborted, paginateRest, retry, throttling);

export type GitHubClient = InstanceType<typeof MirrorOctokit>;

const MAX_WAITS = 5;

/** A client that pages, tries again what can pass, and waits as long as GitHub asks, within bounds. */
export function createGitHubClient(options: GitHubClientOptions): GitHubClient {
  return new MirrorOctokit({
    auth: options.token,
    baseUrl: options.apiUrl,
    userAgent: 'cdk-ghcr2ecr',
    request: { fetch: countingFetch(options.onRequest) },
    throttle: {
      ...(options.writes && { write: options.writes }),
      onRateLimit: waitPolicy('rate limit', options),
      onSecondaryRateLimit: waitPolicy('secondary rate limit', options),
    },
    // Octokit warns of deprecations and failed requests; none of these lines holds a token.
    log: { debug: () => undefined, info: () => undefined, warn: options.warn, error: options.warn },
  });
}

function waitPolicy(kind: string, { maxWaitSeconds, warn }: GitHubClientOptions) {
  return (retryAfter: number, request: { readonly method: string; readonly url: string }, _octokit: unknown, retryCount: number): boolean => {
    const wait = retryAfter <= maxWaitSeconds && retryCount < MAX_WAITS;
    warn(`GitHub ${kind} on ${request.method} ${request.url}: asked to wait ${retryAfter} s, ${wait ? 'waiting' : 'giving up'}.`);
    return wait;
  };
}

function countingFetch(onRequest: () => void = () => undefined): typeof fetch {
  return (...args) => {
    onRequest();
    return fetch(...args);
  };
}
