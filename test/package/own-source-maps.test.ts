import { decode, encode } from '@jridgewell/sourcemap-codec';
import { ownSources } from '../../projenrc/own-source-maps';

test('keeps what leads to our sources, and drops the libraries', () => {
  const map = {
    version: 3,
    sources: ['../../../node_modules/library/index.js', '../../../lambda/webhook/main.ts'],
    names: ['theirs', 'ours'],
    mappings: encode([[[0, 0, 5, 0, 0], [10, 1, 7, 2, 1], [20, 1, 8, 0], [30, 0, 9, 9], [40, 0, 9, 9]]]),
  };
  const own = ownSources(map);
  expect(own).toMatchObject({ version: 3, sources: ['../../../lambda/webhook/main.ts'], names: ['ours'] });
  // A mapping without a source has to end ours, or the library's code that follows would be taken for ours.
  expect(decode(own.mappings)).toEqual([[[10, 0, 7, 2, 0], [20, 0, 8, 0], [30]]]);
});
