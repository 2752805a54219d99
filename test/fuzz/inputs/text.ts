import fc from 'fast-check';
import { digest } from '../../unit/shared/samples';

/** Texts that have done harm somewhere: paths, forged lines, hosts, keys of prototypes, endless repetitions. */
const HOSTILE = [
  '',
  ' ',
  '\t',
  '.',
  '..',
  '/',
  '//',
  '%2e%2e%2f',
  '../../../../v2/other-org/secret/manifests/latest',
  '..\\..\\other',
  '/v2/other-org/',
  digest(1),
  digest(2),
  digest(1).toUpperCase(),
  `${digest(1)} `,
  `${digest(1)}\n{"summary":{"failed":0}}`,
  `sha512:${'0'.repeat(128)}`,
  'sha256:',
  'sha256:../../../other',
  `sha256:${'g'.repeat(64)}`,
  '\r\n{"summary":{"failed":0}}\r\n',
  '\u2028{"summary":{}}',
  '\u0085x',
  '\u001b[2K\rcopied',
  '\ud800',
  '\udc00\ud800',
  '\ufeff',
  '\u202e',
  '\u0000',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'valueOf',
  'hasOwnProperty',
  'length',
  'then',
  'https://attacker.example/',
  '//attacker.example/x',
  'https://ghcr.io@attacker.example/',
  'https://ghcr.io.attacker.example/token',
  'https://ghcr.io\\@attacker.example',
  'http://ghcr.io/token',
  'https://user:password@ghcr.io/token',
  'https://ghcr.io:8443/token',
  'https://ghcr.io/token',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'http://169.254.169.254/latest/meta-data/',
  'https://[::1]/',
  'https://gh\u0441r.io/token',
  'my-org/app',
  'My-Org',
  'app',
  'team/tool',
  'latest',
  '1.0',
  'null',
  '-1',
  '1e999',
  '9'.repeat(400),
  '0x10',
  'NaN',
  'Infinity',
  'a'.repeat(3_000),
  '*'.repeat(40),
  '*a'.repeat(40),
  '('.repeat(100),
  '"'.repeat(300),
  '\\'.repeat(301),
  ' '.repeat(2_000),
  ',realm="'.repeat(200),
  'msg="\\'.repeat(200),
  '<'.repeat(500),
  '<a?page='.repeat(200),
  'token '.repeat(300),
  '\n'.repeat(300),
  '403 '.repeat(200),
  '{"token":',
  '[[[[',
  '{}',
  '[]',
];

export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...HOSTILE) },
  { weight: 2, arbitrary: fc.string({ maxLength: 40 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(...HOSTILE), fc.constantFrom(...HOSTILE)).map(parts => parts.join('')),
  },
);

/** Text made of the words of a grammar and of hostile texts, in any order. */
export function jumbled(...words: readonly string[]): fc.Arbitrary<string> {
  const word = fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...words) }, { weight: 1, arbitrary: hostileText });
  return fc.array(word, { maxLength: 12 }).map(parts => parts.join(''));
}

/** As jumbled, without the characters that no HTTP header can hold: Node refuses to parse or to send these. */
export function jumbledHeader(...words: readonly string[]): fc.Arbitrary<string> {
  return jumbled(...words).map(asHeader);
}

export function asHeader(text: string): string {
  return text.replace(/[^\t\x20-\x7e\x80-\xff]/g, '?').trim();
}
