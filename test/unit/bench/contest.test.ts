import { contest, failuresOf } from '../../../bench/contest';
import { descendants, parsePss } from '../../../bench/measure/process-tree';
import { typical } from '../../../bench/measure/statistics';
import { replaceSection } from '../../../bench/readme-section';
import type { Contestant, Entry } from '../../../bench/rivals/contestant';

const traffic = {
  requests: { github: 0, ghcr: 0, ecr: 0, aws: 0 },
  connections: 0,
  blobBytesRead: 0,
  blobsRead: 0,
  blobBytesWritten: 0,
  blobsWritten: 0,
  throttled: 0,
};
const setting = (name: string): Contestant => ({
  setting: name,
  createsRepositories: false,
  prepare: () => { throw new Error('not run'); },
});
const rival: Entry = { tool: 'regsync', name: 'rival', settings: [setting('8'), setting('4'), setting('16')] };
const own: Entry = { tool: 'DIRECT', name: 'ours', settings: [setting('')] };

/** Runs that take so many seconds by setting, or fail. */
function starting(seconds: Record<string, number>, failing: readonly string[] = []) {
  const limits: [string, number | undefined][] = [];
  const start: Parameters<typeof contest>[2] = async (contestant, _, limitSeconds) => {
    limits.push([contestant.setting, limitSeconds]);
    const took = seconds[contestant.setting];
    const stopped = took > (limitSeconds ?? Infinity);
    const problems = failing.includes(contestant.setting) ? ['a tag differs'] : [];
    return Promise.resolve({
      seconds: Math.min(took, limitSeconds ?? Infinity),
      peakBytes: 0,
      traffic,
      stopped,
      problems,
    });
  };
  return { limits, start };
}

test('the fastest setting of a rival runs as often as ours, and slower ones are given up', async () => {
  const { limits, start } = starting({ '': 1, '8': 3, '4': 5, '16': 2 });
  const standings = await contest([own, rival], 3, start);
  expect(standings.map(({ best, runs }) => [best.setting, runs.length])).toEqual([['', 3], ['16', 3]]);
  expect(limits.slice(0, 4)).toEqual([['', undefined], ['8', undefined], ['4', 3], ['16', 3]]);
  expect(standings[1].swept).toBe('8: 3.0 s; 4: over 3.0 s');
});

test('a setting that did not copy everything is not the best', async () => {
  const { start } = starting({ 8: 3, 4: 1, 16: 4 }, ['4']);
  const [standing] = await contest([rival], 1, start);
  expect([standing.best.setting, standing.swept]).toEqual(['8', '4: 1.0 s, and not everything copied; 16: over 3.0 s']);
});

test('fails for our own wrong copies, and not for a rival\'s', async () => {
  const { start } = starting({ '': 1, '8': 3, '4': 5, '16': 2 }, ['', '8', '4', '16']);
  expect(failuresOf(await contest([own, rival], 1, start))).toEqual(['ours: a tag differs']);
});

test('fewer than three runs have no median: the slowest counts', () => {
  expect([typical([1, 9]), typical([1, 9, 2])]).toEqual([9, 2]);
});

test('memory is that of a process and all below it, with shared pages in parts', () => {
  expect(descendants(1, new Map([[2, 1], [3, 2], [4, 9]]))).toEqual([2, 3]);
  expect(parsePss('00400000-7fff [rollup]\nRss:    900 kB\nPss:    120 kB\nPss_Anon:  7 kB\n')).toBe(120 * 1024);
  expect(parsePss('')).toBe(0);
});

test('fails to put figures into a README without their marks', () => {
  expect(() => replaceSection('## Performance\n', 'figures')).toThrow('README.md lacks the line');
});
