import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { newStack } from './synth';
import { VARIANTS } from './variants';

test('the mirror with every prop has every prop', () => {
  const source = readFileSync(join(__dirname, '..', '..', 'src', 'ghcr-mirror.ts'), 'utf8');
  const [, body = ''] = /export interface GhcrMirrorProps \{([\s\S]*?)\n\}/.exec(source) ?? [];
  const props = [...body.matchAll(/readonly (\w+)\??:/g)].map(([, prop]) => prop);
  expect(props.length).toBeGreaterThan(10);
  expect(Object.keys(VARIANTS.everyProp(newStack())).sort()).toEqual(props.sort());
});
