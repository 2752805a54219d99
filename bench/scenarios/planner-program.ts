import { createHash } from 'node:crypto';
import { Plan, plan, SourceVersion, TargetImages } from '../../lambda/shared/plan';

/** Plans so many packages, one after the other as the sync program does, and prints what it took. */
const [packages, tags, seed] = process.argv.slice(2).map(Number);

function digest(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

function inventory(name: number): { source: SourceVersion[]; target: TargetImages } {
  const source = Array.from({ length: tags }, (_, at) => ({
    digest: digest(`${seed} ${name} ${at}`),
    tags: [`1.${at}.0`],
  }));
  const held = source.filter((_, at) => at % 10 !== 0);
  return {
    source,
    target: {
      digests: new Set(held.map(version => version.digest)),
      tags: new Map(held.map(version => [version.tags[0], version.digest])),
    },
  };
}

const plans: Plan[] = [];
let nanoseconds = 0n;
for (let at = 0; at < packages; at++) {
  const { source, target } = inventory(at);
  const start = process.hrtime.bigint();
  plans.push(plan(`my-org/app-${at}`, source, target));
  nanoseconds += process.hrtime.bigint() - start;
}

process.stdout.write(JSON.stringify({
  seconds: Number(nanoseconds) / 1e9,
  actions: plans.reduce((sum, { actions }) => sum + actions.length, 0),
  unchanged: plans.reduce((sum, each) => sum + each.unchanged, 0),
  peakBytes: process.resourceUsage().maxRSS * 1024,
}));
