import pLimit from 'p-limit';
import { createGitHubClient, GitHubClient, GitHubClientOptions } from './github-client';
import { explainPackagesError } from './github-errors';
import { lastPage } from './last-page';
import type { SourceVersion } from './plan';

/** The part of GitHub that the mirror reads. */
export interface GitHubPackages {
  /** Names of the organization's container packages. */
  listPackages(): Promise<string[]>;
  /**
   * Versions of a package, newest first.
   *
   * @param announced digests that deliveries named: reading stops at the page that holds the last of them. Without any, all
   * pages are read.
   */
  listVersions(packageName: string, announced?: readonly string[]): Promise<SourceVersion[]>;
}

export interface GitHubPackagesOptions extends GitHubClientOptions {
  readonly organization: string;
  /** How error messages name the token: its secret. */
  readonly tokenName: string;
}

/** Pages of one package that are read at the same time. GitHub wants fewer than 100 requests of a token under way. */
const CONCURRENT_PAGES = 4;

const VERSIONS = 'GET /orgs/{org}/packages/{package_type}/{package_name}/versions';

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
    async listVersions(packageName, announced = []) {
      const read = (page: number): Promise<Page> => readPage(client, options.organization, packageName, page);
      try {
        return announced.length > 0 ? await readUntil(read, announced) : await readAll(read);
      } catch (error) {
        throw explainPackagesError(error, options, packageName);
      }
    },
  };
}

interface Page {
  readonly versions: readonly SourceVersion[];
  /** Number of the last page, as the Link header tells. */
  readonly last: number;
}

/** @see https://docs.github.com/en/rest/packages/packages#list-package-versions-for-a-package-owned-by-an-organization */
async function readPage(client: GitHubClient, org: string, packageName: string, page: number): Promise<Page> {
  const { data, headers } = await client.request(VERSIONS, {
    org, package_type: 'container', package_name: packageName, per_page: 100, state: 'active', page,
  });
  return {
    versions: data.map(version => ({ digest: version.name, tags: version.metadata?.container?.tags ?? [] })),
    last: lastPage(headers.link) ?? page,
  };
}

async function readUntil(read: (page: number) => Promise<Page>, announced: readonly string[]): Promise<SourceVersion[]> {
  const wanted = new Set(announced);
  const versions: SourceVersion[] = [];
  for (let page = 1, last = 1; page <= last && wanted.size > 0; page++) {
    const next = await read(page);
    last = next.last;
    next.versions.forEach(({ digest }) => wanted.delete(digest));
    versions.push(...next.versions);
  }
  return versions;
}

async function readAll(read: (page: number) => Promise<Page>): Promise<SourceVersion[]> {
  const first = await read(1);
  const limit = pLimit(CONCURRENT_PAGES);
  const others = Array.from({ length: first.last - 1 }, (_, index) => limit(() => read(index + 2)));
  return [first, ...await Promise.all(others)].flatMap(({ versions }) => versions);
}
