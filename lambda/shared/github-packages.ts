import { RequestError } from '@octokit/request-error';
import type { RateLimitWindow } from './github-budget';
import { createGitHubClient, GitHubClient, GitHubClientOptions } from './github-client';
import { explainPackagesError } from './github-errors';
import { pageReader, readAllPages, readPagesUntil } from './github-pages';
import { isObject } from './is-object';
import type { SourceVersion } from './plan';
import { shown } from './shown';
import { isDigest } from '../../src/image-name';

/** The part of GitHub that the mirror reads. */
export interface GitHubPackages {
  /** Names of the organization's container packages. */
  listPackages(): Promise<string[]>;
  /**
   * Versions of a package, newest first.
   *
   * @param announced digests that deliveries named: reading stops at the page that holds the last of them.
   * Without any, all pages are read.
   * @param signal ends the reading
   */
  listVersions(packageName: string, announced?: readonly string[], signal?: AbortSignal): Promise<SourceVersion[]>;
  /** The token's present limit; undefined where the server has none. The request itself is free. */
  rateLimit(): Promise<RateLimitWindow | undefined>;
}

export interface GitHubPackagesOptions extends GitHubClientOptions {
  readonly organization: string;
  /** How error messages name the token: its secret. */
  readonly tokenName: string;
}

/** @param options the token is a classic personal access token with `read:packages` */
export function gitHubPackages(
  options: GitHubPackagesOptions,
  client: GitHubClient = createGitHubClient(options),
): GitHubPackages {
  const { organization: org } = options;
  return {
    async listPackages() {
      const read = pageReader(client, 'GET /orgs/{org}/packages', { org, package_type: 'container' }, packageName);
      try {
        // A package published between two pages shifts its neighbours: the same name can come twice.
        return [...new Set(await readAllPages(read))];
      } catch (error) {
        throw explainPackagesError(error, options);
      }
    },
    async listVersions(name, announced = [], signal) {
      requirePathSegments(name);
      const read = pageReader(client, 'GET /orgs/{org}/packages/{package_type}/{package_name}/versions', {
        org, package_type: 'container', package_name: name, state: 'active', request: { signal },
      }, sourceVersion);
      try {
        return announced.length > 0 ? await readPagesUntil(read, shows(announced)) : await readAllPages(read);
      } catch (error) {
        throw explainPackagesError(error, options, name);
      }
    },
    async rateLimit() {
      try {
        const { data } = await client.request('GET /rate_limit');
        return data.resources.core;
      } catch (error) {
        // GitHub Enterprise Server with rate limits switched off.
        if (error instanceof RequestError && error.status === 404) { return undefined; }
        throw explainPackagesError(error, options);
      }
    },
  };
}

/** @see https://docs.github.com/en/rest/packages/packages#list-packages-for-an-organization */
function packageName({ name }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof name === 'string' && name !== '' ? name : undefined;
}

/** @see https://docs.github.com/en/rest/packages/packages#list-package-versions-for-a-package-owned-by-an-organization */
function sourceVersion({ name, metadata }: Readonly<Record<string, unknown>>): SourceVersion | undefined {
  const container = isObject(metadata) ? metadata.container : undefined;
  const tags: unknown = isObject(container) ? container.tags : undefined;
  if (typeof name !== 'string' || !isDigest(name) || !isStrings(tags)) { return undefined; }
  return { digest: name, tags };
}

/** @throws for a name that would lead the request elsewhere: `packages/container/../versions` names no package. */
function requirePathSegments(name: string): void {
  if (name.split('/').some(segment => ['', '.', '..'].includes(segment))) {
    throw new Error(`Package ${shown(name)} can't exist: its name has an empty part, or one of points alone.`);
  }
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(each => typeof each === 'string');
}

/** Whether all of these digests have been seen, page by page. */
function shows(digests: readonly string[]): (page: readonly SourceVersion[]) => boolean {
  const wanted = new Set(digests);
  return page => {
    page.forEach(({ digest }) => wanted.delete(digest));
    return wanted.size === 0;
  };
}
