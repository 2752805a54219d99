import fc from 'fast-check';
import { hostileText } from './text';

/** Any JSON, as text, because some of it is no value that JavaScript can hold: duplicate keys, huge numbers. */
const HOSTILE_JSON = [
  'null',
  'true',
  'false',
  '0',
  '-0',
  '-1',
  '1',
  '0.5',
  '1e308',
  '1e999',
  '-1e999',
  '9007199254740991',
  '9007199254740993',
  '1152921504606846976',
  '123456789012345678901234567890',
  '""',
  '[]',
  '{}',
  '[null]',
  '[[]]',
  '{"length":3}',
  '{"__proto__":{"digest":"x"}}',
  '{"constructor":{"prototype":{}}}',
  '{"toString":1,"valueOf":1}',
  '{"toJSON":1}',
  '{"then":1}',
  `${'['.repeat(60)}${']'.repeat(60)}`,
  `${'{"a":'.repeat(60)}1${'}'.repeat(60)}`,
];

/** So deep that a recursive function overflows the stack. V8 parses it all the same. Rare, because it is long. */
const DEEP = [`${'['.repeat(20_000)}${']'.repeat(20_000)}`, `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`];

/** Leave the package, or the host, where they become a part of an address. */
const PATHS = [
  '../../../../v2/other-org/secret/manifests/latest',
  '/v2/other-org/secret/manifests/latest',
  '//attacker.example/v2/',
  'https://attacker.example/v2/',
  'sha256:1/../../../../../v2/other-org/secret',
].map(path => JSON.stringify(path));

export const hostileJson: fc.Arbitrary<string> = fc.oneof(
  { weight: 10, arbitrary: fc.constantFrom(...PATHS) },
  { weight: 20, arbitrary: fc.constantFrom(...HOSTILE_JSON) },
  { weight: 20, arbitrary: hostileText.map(text => JSON.stringify(text)) },
  { weight: 4, arbitrary: fc.json({ maxDepth: 2 }) },
  { weight: 1, arbitrary: fc.constantFrom(...DEEP) },
);

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

interface Change {
  readonly at: number;
  readonly kind: 'replace' | 'delete' | 'repeat' | 'wrap' | 'rename' | 'second';
  readonly value: string;
  readonly name: string;
}

const NAMES = [
  '__proto__',
  'constructor',
  'digest',
  'size',
  'mediaType',
  'urls',
  'layers',
  'manifests',
  'config',
  'subject',
  'name',
  'kind',
  'package',
  'login',
  'x',
];

const changes: fc.Arbitrary<Change> = fc.record({
  at: fc.nat(),
  value: hostileJson,
  name: fc.constantFrom(...NAMES),
  kind: fc.constantFrom('replace', 'replace', 'replace', 'delete', 'repeat', 'wrap', 'rename', 'second'),
});

interface Damage {
  readonly at: number;
  readonly kind: 'truncate' | 'insert' | 'overwrite';
  readonly bytes: Uint8Array;
}

const INVALID_UTF8 = [
  [0xff],
  [0xc0, 0x80],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xe2, 0x82],
  [0x00],
  [0xef, 0xbb, 0xbf],
  [0x0a],
];

const damages: fc.Arbitrary<Damage> = fc.record({
  at: fc.nat(),
  kind: fc.constantFrom('truncate', 'insert', 'overwrite'),
  bytes: fc.oneof(
    fc.constantFrom(...INVALID_UTF8).map(bytes => Uint8Array.from(bytes)),
    fc.uint8Array({ minLength: 1, maxLength: 8 }),
  ),
});

/** Bytes of one of the documents: whole, with some of its values changed, or with damaged bytes. */
export function mutated(documents: readonly unknown[]): fc.Arbitrary<Buffer> {
  const bases = documents.map(document => JSON.parse(JSON.stringify(document)) as Json);
  return fc
    .tuple(
      fc.constantFrom(...bases),
      fc.array(changes, { maxLength: 3 }),
      fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: damages }),
    )
    .map(([base, made, damage]) => damaged(Buffer.from(write(base, planned(base, made))), damage));
}

/** The changes by the number of the value that they are made to, in the order in which the document is written. */
function planned(base: Json, made: readonly Change[]): ReadonlyMap<number, Change> {
  const values = count(base);
  return new Map(made.map(change => [change.at % values, change]));
}

function count(value: Json): number {
  if (typeof value !== 'object' || value === null) {
    return 1;
  }
  return Object.values(value).reduce<number>((sum, each) => sum + count(each), 1);
}

/** Writes the document by hand: JSON.stringify can write neither duplicate keys nor what a change brings as text. */
function write(base: Json, made: ReadonlyMap<number, Change>): string {
  let number = 0;
  const member = (key: string, value: Json): string[] => {
    const change = made.get(number);
    const text = valueText(value);
    switch (change?.kind) {
      case 'delete':
        return [];
      case 'rename':
        return [`${JSON.stringify(change.name)}:${text}`];
      case 'second':
        return [`${JSON.stringify(key)}:${text}`, `${JSON.stringify(key)}:${change.value}`];
      case 'repeat':
        return [`${JSON.stringify(key)}:${text}`, `${JSON.stringify(change.name)}:${text}`];
      default:
        return [`${JSON.stringify(key)}:${text}`];
    }
  };
  const element = (value: Json): string[] => {
    const change = made.get(number);
    const text = valueText(value);
    return change?.kind === 'delete' ? [] : change?.kind === 'repeat' ? [text, text] : [text];
  };
  const valueText = (value: Json): string => {
    const change = made.get(number++);
    const text = Array.isArray(value)
      ? `[${value.flatMap(element).join(',')}]`
      : typeof value === 'object' && value !== null
        ? `{${Object.entries(value)
          .flatMap(([key, each]) => member(key, each))
          .join(',')}}`
        : JSON.stringify(value);
    return change?.kind === 'replace' ? change.value : change?.kind === 'wrap' ? `[${text}]` : text;
  };
  return valueText(base);
}

function damaged(bytes: Buffer, damage: Damage | undefined): Buffer {
  if (damage === undefined) {
    return bytes;
  }
  const at = damage.at % (bytes.length + 1);
  if (damage.kind === 'truncate') {
    return bytes.subarray(0, at);
  }
  const rest = bytes.subarray(damage.kind === 'insert' ? at : Math.min(at + damage.bytes.length, bytes.length));
  return Buffer.concat([bytes.subarray(0, at), damage.bytes, rest]);
}
