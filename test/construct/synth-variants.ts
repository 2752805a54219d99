import { App, Stack } from 'aws-cdk-lib';
import { VARIANTS } from './variants';
import { GhcrMirror } from '../../src';

/** Writes the templates of all variants into a directory. Usage: tsx synth-variants.ts DIRECTORY */
const app = new App({ outdir: process.argv[2], analyticsReporting: false });
for (const [name, props] of Object.entries(VARIANTS)) {
  const stack = new Stack(app, name);
  new GhcrMirror(stack, 'Mirror', props(stack));
}
app.synth();
