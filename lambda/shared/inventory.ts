import type { ECRClient } from '@aws-sdk/client-ecr';
import { listImages, tagMutability } from './ecr';
import type { GitHubPackages } from './github-packages';
import { movesTags, plan, Plan, SourceVersion, TargetImages } from './plan';
import { repositoryName } from '../../src/image-name';

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
  /** Digests that ECR listed, tagged or not. */
  readonly present: ReadonlySet<string>;
  /** Tags that ECR listed. */
  readonly presentTags: ReadonlySet<string>;
}

/**
 * Reads both sides of a package, side by side, and plans.
 *
 * @param announced digests that deliveries named: the source is read until it has shown them, and the plan is about
 * what was read. Without any, it is about the whole package.
 * @param signal ends the reading of the source
 */
export async function planPackage(
  packageName: string, { github, ecr, prefix }: Inventories, announced: readonly string[] = [], signal?: AbortSignal,
): Promise<PlannedPackage> {
  const repository = repositoryName(prefix, packageName);
  const [source, target] = await Promise.all([
    github.listVersions(packageName, announced, signal),
    listImages(ecr, repository),
  ]);
  return {
    package: packageName,
    plan: await planWithMutability(ecr, repository, source, target),
    listed: new Set(source.map(({ digest }) => digest)),
    present: target?.digests ?? new Set(),
    presentTags: new Set(target?.tags.keys()),
  };
}

/** Tags move rarely, so whether the repository allows it is asked only then. */
async function planWithMutability(
  ecr: ECRClient, repository: string, source: readonly SourceVersion[], target: TargetImages | undefined,
): Promise<Plan> {
  const planned = plan(repository, source, target);
  if (target === undefined || !movesTags(planned, target)) { return planned; }
  return plan(repository, source, { ...target, mutability: await tagMutability(ecr, repository) });
}
