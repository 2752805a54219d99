import { createGitHubClient, GitHubClientOptions } from './github-client';
import { explainPackagesError } from './github-errors';
import type { SourceVersion } from '../../src/domain/plan';

/** The part of GitHub that the mirror reads. */
export interface GitHubPackages {
  /** Names of the organization's container packages. */
  listPackages(): Promise<string[]>;
  /** Versions of a package, newest first, page by page as they are asked for. */
  listVersions(packageName: string): AsyncIterable<SourceVersion>;
}

export interface GitHubPackagesOptions extends GitHubClientOptions {
  readonly organization: string;
  /** How error messages name the token: its secret. */
  readonly tokenName: string;
}

/** @param options the token is a classic personal access token with `read:packages` */
export function gitHubPackages(options: GitHubPackagesOptions): GitHubPackages {
  const client = createGitHubClient(options);
  return {
    async listPackages() {
      try {
        const found = await client.paginate('GET /orgs/{org}/packages', { org: options.organization, package_type: 'container', per_page: 100 });
        // A package published between two pages shifts its neighbours: the same name can come twice.
        return [...new Set(found.map(({ name }) => name))];
      } catch (error) {
        throw explainPackagesError(error, options);
      }
    },
    async* listVersions(packageName) {
      const pages = client.paginate.iterator('GET /orgs/{org}/packages/{package_type}/{package_name}/versions', {
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
