import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mirrorProps, Prop, propsIn } from './props';

const PROPS = mirrorProps();
const README = readFileSync(join(__dirname, '..', '..', 'README.md'), 'utf8');

/** Names in the first column of README's table of props. */
function rows(): string[] {
  const [, section = ''] = README.split('\n### All props\n');
  return [...section.split('\n#')[0].matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
}

test('README has a row for each prop, in the order of the source, and for nothing else', () => {
  // A new prop needs a row in README.md, "All props".
  expect(rows()).toEqual(PROPS.map(({ name }) => name));
});

test('each optional prop tells its default, and no other does', () => {
  // A new optional prop needs a line `@default VALUE` in its docstring, or `@default - WORDS` when no value says it.
  const wrong = PROPS.filter(({ optional, defaultValue }) => optional === (defaultValue === ''));
  expect(wrong).toEqual([]);
});

test('props are read from the source with their defaults', () => {
  expect(propsIn(`
    export interface Other { readonly else: string }
    export interface GhcrMirrorProps {
      /** Given. */
      readonly given: string;
      /**
       * Optional.
       *
       * @default - a long
       * story
       * @see https://example.com
       */
      readonly optional?: number;
      /** Silent. */
      readonly silent?: number;
    }
  `)).toEqual<Prop[]>([
    { name: 'given', optional: false, defaultValue: '' },
    { name: 'optional', optional: true, defaultValue: '- a long\nstory' },
    { name: 'silent', optional: true, defaultValue: '' },
  ]);
});
