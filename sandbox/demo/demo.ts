import { writeFileSync } from 'node:fs';
import { parseArguments, USAGE } from './arguments';
import { Progress } from './progress';
import { DemoResult, play, publishOrganization } from './scenario';
import { serveForever } from './serve';
import { imageTable } from './table';
import { World } from '../world/world';

const print = (line: string): void => { process.stdout.write(`${line}\n`); };

async function demo(args: readonly string[]): Promise<number> {
  const options = parseArguments(args);
  if (options === 'help') {
    print(USAGE);
    return 0;
  }
  const progress = new Progress(print);
  progress.step('An organization with four packages in GHCR, and a new AWS account: cdk deploy');
  const world = await World.start({
    registries: options.registries,
    mirror: { engine: options.engine },
    beforeDeploy: publishOrganization,
    onEvent: progress.watch,
  });
  try {
    const result = await play(world, progress);
    if (options.json !== undefined) { writeFileSync(options.json, `${JSON.stringify(result, undefined, 2)}\n`); }
    const passed = conclude(result, progress);
    if (options.serve) { await serveForever(world, progress, print); }
    return passed ? 0 : 1;
  } finally {
    await world.close();
  }
}

/** Prints the table, and says whether everything is as it should be. */
function conclude(
  { images, builds, buildsByDuplicate, deliveries, secondsToArrival }: DemoResult,
  progress: Progress,
): boolean {
  progress.step('What is where');
  imageTable(images).forEach(print);
  const problems = [
    ...images.filter(({ equal }) => !equal).map(({ package: name, tag }) => `${name}:${tag} differs`),
    ...buildsByDuplicate > 0 ? [`the duplicate delivery started ${buildsByDuplicate} builds`] : [],
    ...builds.filter(({ status }) => status !== 'SUCCEEDED').map(({ id, status }) => `build ${id} ended ${status}`),
    ...deliveries.filter(({ status }) => status >= 300 || status === 0)
      .map(({ event, status }) => `a delivery of ${event} was answered ${status}`),
  ];
  print('');
  print(`${images.length} images, ${deliveries.length} deliveries, ${builds.length} builds; from delivery to arrival: `
    + `${secondsToArrival.toFixed(1)} s`);
  problems.forEach(problem => print(`PROBLEM: ${problem}`));
  return problems.length === 0;
}

demo(process.argv.slice(2)).then(
  code => process.exit(code),
  (error: unknown) => {
    print(error instanceof Error ? error.message : String(error));
    process.exit(1);
  },
);
