import { Duration } from 'aws-cdk-lib';
import { ACCOUNT, exercise, prepare } from './scenario';
import type { Mutation } from './statements';
import type { CloudEvent } from '../../../sandbox/aws/core/service';
import { DeploymentError } from '../../../sandbox/aws/core/stack';
import { mutate } from '../../../sandbox/world/template';
import { World } from '../../../sandbox/world/world';
import { CopyEngine } from '../../../src';

/** The effect of removing one permission. */
export interface Outcome {
  readonly mutation: Mutation;
  /** The service's own refusal that names what was removed; undefined when nothing was refused. */
  readonly refusal?: string;
  /** Where a person sees it: `deployment`, `codebuild log`, ... */
  readonly seenIn: readonly string[];
  readonly seconds: number;
}

/** Deploys the mutated template in a world of its own and uses all of it until something is refused. */
export async function runMutation(mutation: Mutation): Promise<Outcome> {
  const started = performance.now();
  const watch = new Watch(mutation.actions);
  // Kept from before the deployment: what was refused can be asked for after it failed.
  let world: World | undefined;
  try {
    const deployed = await World.start({
      registries: 'embedded',
      mirror: { coalescingWindow: Duration.seconds(0), engine: engineFor(mutation) },
      cloud: ACCOUNT,
      onEvent: watch.event,
      beforeDeploy: async (starting, assembly) => {
        world = starting;
        mutate(assembly, mutation.apply);
        await prepare(starting);
      },
    });
    await exercise(deployed, () => watch.seen(deployed));
  } catch (error) {
    // A deployment that fails is what many of these mutations are to show; anything else is this test's own failure.
    if (!(error instanceof DeploymentError)) { throw error; }
    watch.text('deployment', error.message);
  } finally {
    await world?.close();
  }
  return {
    mutation,
    refusal: watch.refusal(world),
    seenIn: watch.places,
    seconds: (performance.now() - started) / 1000,
  };
}

/** skopeo gets over a refused mount without a word; the direct engine says so. The rest is tried with the default. */
function engineFor({ actions }: Mutation): CopyEngine {
  return actions.length === 1 && actions[0] === 'ecr:GetDownloadUrlForLayer' ? CopyEngine.DIRECT : CopyEngine.SKOPEO;
}

/** Collects where one of the removed actions is named as refused. */
class Watch {
  private readonly found = new Set<string>();
  private words: string | undefined;
  private readonly patterns: readonly RegExp[];

  constructor(private readonly actions: readonly string[]) {
    const names = actions.map(action => action.split(':'));
    this.patterns = [
      new RegExp(`is not authorized to perform: (${names.map(name => name.join(':')).join('|')})(?![A-Za-z])`),
      // Lambda's words when it looks at a role before it accepts an event source mapping.
      new RegExp(`does not have permissions to call (${names.map(name => name[1]).join('|')}) on SQS`),
    ];
  }

  public get places(): readonly string[] {
    return [...this.found];
  }

  public readonly event = ({ source, kind, text }: CloudEvent): void => {
    // The local cloud's own note of a refused call, which no person would see in AWS; and what
    // the deployment's error says too.
    if (source !== 'aws' && source !== 'cloudformation') { this.text(`${source} ${kind}`, text); }
  };

  public text(place: string, text: string): void {
    if (!this.patterns.some(pattern => pattern.test(text))) { return; }
    this.found.add(place);
    this.words ??= text;
  }

  public seen(world: World): boolean {
    if (this.found.size === 0 && this.denied(world) !== undefined) { this.builds(world); }
    return this.found.size > 0;
  }

  public refusal(world: World | undefined): string | undefined {
    return (world && this.denied(world)) ?? this.words;
  }

  /**
   * What CodeBuild itself was refused stands in the phases. A refusal without a body, as HEAD gets it,
   * only shows in the build's failure.
   */
  private builds(world: World): void {
    const { builds } = world.cloud.services.codeBuild;
    builds.flatMap(build => build.phases)
      .forEach(phase => this.text(`codebuild phase ${phase.type}`, phase.context?.message ?? ''));
    if (this.found.size === 0 && builds.some(build => build.status === 'FAILED')) {
      this.found.add('codebuild FAILED');
    }
  }

  private denied(world: World): string | undefined {
    return world.cloud.iamReport().denials.find(({ action }) => this.actions.includes(action))?.message;
  }
}
