import { Octokit } from '@octokit/core';
import { paginateRest } from '@octokit/plugin-paginate-rest';
import { retry } from '@octokit/plugin-retry';
import { throttling } from '@octokit/plugin-throttling';
import { explainPackagesError } from './github-errors';
import type { SourceVersion } from '../../src/domain/plan';

/** The part of GitHub that the mirror reads. */
export interface GitHubPackages {
  /** Names of the organization's container packages. */
  listPackages(): Promise<string[]>;
  /** Versions of a package, newest first, page by page as they are asked for. */
  listVersions(packageName: string): AsyncIterable<SourceVersion>;
}

export interface GitHubOptions {
  /** `https://api.github.com` */
  readonly apiUrl: string;
  readonly organization: string;
  /** Classic personal access token with `read:packages`. */
  readonly token: string;
  /** How error messages name the token: its secret. */
  readonly tokenName: string;
  /** A wait that GitHub demands (rate limits) is obeyed up to this long, in seconds; beyond, the request fails. */
  readonly maxWaitSeconds: number;
  readonly warn: (message: string) => void;
}

const MirrorOctokit = Octokit.plugin(paginateRest, retry, throttling);

/** Asks GitHub to wait no longer than allowed, and to try again a bounded number of times. */
function waitPolicy(kind: string, options: GitHubOptions) {
  return (retryAfter: number, request: { readonly method: string; readonly url: string }, _octokit: unknown, retryCount: number): boolean => {
    const wait = retryAfter <= options.maxWaitSeconds && retryCount < 5;
    options.warn(`GitHub ${kind} on ${request.method} ${request.url}: asked to wait ${retryAfter} s, ${wait ? 'waiting' : 'giving up'}.`);
    return wait;
  };
}

export function createOctokit(options: GitHubOptions): InstanceType<typeof MirrorOctokit> {
  return new MirrorOctokit({
    auth: options.token,
    baseUrl: options.apiUrl,
    userAgent: 'cdk-ghcr2ecr',
    throttle: {
      onRateLimit: waitPolicy('rate limit', options),
      onSecondaryRateLimit: waitPolicy('secondary rate limit', options),
    },
    log: { debug: () => undefined, info: () => undefined, warn: options.warn, error: options.warn },
  });
}

export function gitHubPackages(options: GitHubOptions): GitHubPackages {
  const octokit = createOctokit(options);
  return {
    async listPackages() {
      try {
        const found = await octokit.paginate('GET /orgs/{org}/packages', { org: options.organization, package_type: 'container', per_page: 100 });
        // A package published between two pages shifts its neighbours: the same name can come twice.
        return [...new Set(found.map(({ name }) => name))];
      } catch (error) {
        throw explainPackagesError(error, options);
      }
    },
    async* listVersions(packageName) {
      const pages = octokit.paginate.iterator('GET /orgs/{org}/packages/{package_type}/{package_name}/versions', {
        org: options.organization, package_type: 'container', package_name: packageName, per_page: 100, state: 'active',
      });
      try {
        for await (const { data } of pages) {
          for (const version of data) { yield { digest: version.name, tags: version.metadata?.container?.tags ?? [] }; }
        }
      } catch (error) {
        throw explainPackagesError(error, options, packageName);
      }
    },
  };
}
