import { Duration } from 'aws-cdk-lib';
import type { Report } from '../../lambda/sync/report';
import type { Build } from '../../sandbox/aws/services/codebuild/build';
import { RegistryClient } from '../../sandbox/registry/client';
import { Manifest, withDescendants } from '../../sandbox/registry/images';
import { World, WorldOptions } from '../../sandbox/world/world';

export interface SyncResult {
  readonly status: string;
  /** Output of the program. */
  readonly lines: readonly string[];
  /** undefined when it ended before its summary. */
  readonly summary: Report | undefined;
}

/**
 * A world in which nothing runs but what the test starts: no webhook, and the sync that every deployment asks for is
 * over before anything is published.
 */
export async function quietWorld(options: WorldOptions = {}): Promise<World> {
  const world = await World.start({
    ...options,
    mirror: { registerWebhook: false, coalescingWindow: Duration.seconds(0), ...options.mirror },
  });
  try {
    await world.settled();
  } catch (error) {
    await world.close();
    throw error;
  }
  return world;
}

/**
 * Runs one build, without the queue before it and without CodeBuild's retries after it.
 *
 * @param packages all of them by default
 */
export async function runSync(world: World, ...packages: readonly string[]): Promise<SyncResult> {
  const { codeBuild } = world.cloud.services;
  const output = await world.cloud.call('codebuild', 'StartBuild', {
    projectName: world.stack.outputs.ProjectName,
    autoRetryLimitOverride: 0,
    environmentVariablesOverride: packages.length > 0
      ? [{ name: 'PACKAGES', value: JSON.stringify(packages), type: 'PLAINTEXT' }]
      : [],
  });
  return resultOf(await codeBuild.waitFor(idOf(output)));
}

export function resultOf({ status, log }: Build): SyncResult {
  const lines = log.filter(line => !line.startsWith('[Container]'));
  const json = lines.find(line => line.startsWith('{"summary":'));
  return { status, lines, summary: json === undefined ? undefined : (JSON.parse(json) as { summary: Report }).summary };
}

/**
 * Returns the faults of an image in ECR, found in the bytes that its registry serves; there are none if all is well.
 */
export async function defects(
  client: RegistryClient,
  repository: string,
  tag: string,
  expected: Manifest,
): Promise<string[]> {
  const found: string[] = [];
  for (const part of withDescendants(expected)) {
    const reference = part === expected ? tag : part.digest;
    const manifest = await client.getManifest(repository, reference);
    if (manifest?.digest !== part.digest) {
      found.push(`${repository} ${reference}: ${manifest?.digest ?? 'nothing'}, expected ${part.digest}`);
    }
    if (manifest && manifest.mediaType !== part.mediaType) {
      found.push(`${repository} ${reference} is ${manifest.mediaType}, expected ${part.mediaType}`);
    }
    for (const blob of part.blobs.filter(({ urls }) => !urls)) {
      const bytes = await client.getBlob(repository, blob.digest);
      if (!bytes?.equals(blob.bytes)) {
        found.push(`${repository} blob ${blob.digest}: ${bytes?.length ?? 'no'} bytes, expected ${blob.bytes.length}`);
      }
    }
  }
  return found;
}

function idOf({ build }: Record<string, unknown>): string {
  if (typeof build === 'object' && build !== null && 'id' in build && typeof build.id === 'string') { return build.id; }
  throw new Error(`StartBuild answered ${JSON.stringify(build)}, expected a build with an id`);
}
