import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { runCommand } from '../measure/command';
import { median } from '../measure/statistics';
import { atMost, BenchOptions, Scenario } from '../result';

const ROOT = join(__dirname, '..', '..');

const APP = `
const { App, Stack } = require('aws-cdk-lib');
const { Secret } = require('aws-cdk-lib/aws-secretsmanager');
const { Repository } = require('aws-cdk-lib/aws-ecr');
const app = new App({ outdir: process.argv[2], analyticsReporting: false });
const stack = new Stack(app, 'Images');
const packagesToken = Secret.fromSecretNameV2(stack, 'PackagesToken', 'github/packages');
const webhookToken = Secret.fromSecretNameV2(stack, 'WebhookToken', 'github/hooks');
new Repository(stack, 'Own');
`;

const MIRROR = `
const { GhcrMirror } = require('./lib');
new GhcrMirror(stack, 'Mirror', { organization: 'my-org', packagesToken, webhookToken });
`;

export const synth: Scenario = {
  name: 'synth',
  title: 'Synthesis of an app with one repository and two secrets, and of the same app with a GhcrMirror: '
    + 'whole processes, warm file cache',
  run: async options => {
    const directory = layOut(options);
    const apps = { 'app without the construct': 'without.js', 'app with the construct': 'with.js' };
    const times = new Map<string, number[]>(Object.keys(apps).map(name => [name, []]));
    const failures: string[] = [];
    // One more round than counts: the first fills the file cache.
    for (let round = 0; round < (options.quick ? 2 : 7); round++) {
      for (const [name, file] of Object.entries(apps)) {
        const result = await runCommand({
          program: process.execPath,
          args: [join(directory, file), join(directory, `out-${file}-${round}`)],
          environment: {
            HOME: directory,
            JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION: '1',
            JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: '1',
          },
        });
        if (result.code !== 0) {
          failures.push(`${name} ended with ${String(result.code)}: ${result.output.slice(-600)}`);
        }
        if (round > 0) { times.get(name)?.push(result.seconds); }
      }
    }
    const rows = [...times]
      .map(([contestant, list]) => ({ scenario: synth.name, contestant, runs: list.length, seconds: median(list) }));
    return {
      rows,
      verdicts: [atMost(synth.name, 'what the construct adds', rows[1].seconds - rows[0].seconds, 1, ' s')],
      failures,
    };
  },
};

/** The library as its package has it: `lib/` of plain JavaScript beside `assets/`. */
function layOut({ directory: parent }: BenchOptions): string {
  const directory = join(parent, 'synth');
  mkdirSync(directory, { recursive: true });
  for (const name of ['node_modules', 'assets']) { symlinkSync(join(ROOT, name), join(directory, name)); }
  writeFileSync(join(directory, 'without.js'), `${APP}app.synth();\n`);
  writeFileSync(join(directory, 'with.js'), `${APP}${MIRROR}app.synth();\n`);
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'));
  buildSync({
    entryPoints: sources.map(name => join(ROOT, 'src', name)),
    outbase: join(ROOT, 'src'),
    outdir: join(directory, 'lib'),
    format: 'cjs',
    platform: 'node',
    target: 'es2022',
  });
  return directory;
}
