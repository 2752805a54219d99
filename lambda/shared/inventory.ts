import type { ECRClient } from '@aws-sdk/client-ecr';
import { listImages } from './ecr';
import type { GitHubPackages } from './github';
import { repositoryName } from '../../src/domain/image-name';
import { plan, Plan, SourceVersion } from '../../src/domain/plan';

export interface Inventories {
  readonly github: GitHubPackages;
  readonly ecr: ECRClient;
  readonly prefix: string;
}

/** Both inventories of one package, and the plan that they give. */
export interface PlannedPackage {
  readonly package: string;
  readonly plan: Plan;
  /** Digests that GitHub listed. */
  readonly listed: ReadonlySet<string>;
}

/** Reads both sides of a package, side by side, and plans. */
export async function planPackage(packageName: string, { github, ecr, prefix }: Inventories): Promise<PlannedPackage> {
  const repository = repositoryName(prefix, packageName);
  const [source, target] = await Promise.all([
    collect(github.listVersions(packageName)),
    listImages(ecr, repository),
  ]);
  return { package: packageName, plan: plan(repository, source, target), listed: new Set(source.map(({ digest }) => digest)) };
}

async function collect(versions: AsyncIterable<SourceVersion>): Promise<SourceVersion[]> {
  const all: SourceVersion[] = [];
  for await (const version of versions) { all.push(version); }
  return all;
}
