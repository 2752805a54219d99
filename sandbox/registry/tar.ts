/** One entry of a layer. */
export interface TarEntry {
  /** Without a leading slash. */
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'symlink';
  /** Permission bits. */
  readonly mode: number;
  /** Of a file. */
  readonly content?: Buffer;
  /** Of a symbolic link. */
  readonly target?: string;
}

const BLOCK = 512;
const TYPES = { file: '0', symlink: '2', directory: '5', extended: 'x' } as const;

/**
 * A tar archive (ustar, with pax headers for long names): root owns everything, all times are 0, so
 * equal entries give equal bytes.
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06
 */
export function tar(entries: readonly TarEntry[]): Buffer {
  const parts = entries.flatMap(entry => {
    const path = entry.kind === 'directory' ? `${entry.path}/` : entry.path;
    const content = entry.content ?? Buffer.alloc(0);
    return [
      ...extended(path, entry.target ?? ''),
      header(path, TYPES[entry.kind], entry.mode, content.length, entry.target ?? ''), content, padding(content.length),
    ];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

function extended(path: string, target: string): Buffer[] {
  const records = [
    ...isLong(path) ? [record('path', path)] : [],
    ...isLong(target) ? [record('linkpath', target)] : [],
  ];
  if (records.length === 0) { return []; }
  const content = Buffer.from(records.join(''));
  return [header('pax', TYPES.extended, 0o644, content.length, ''), content, padding(content.length)];
}

function isLong(name: string): boolean {
  return Buffer.byteLength(name) > 100;
}

/** `<length> <key>=<value>\n`, where the length counts itself. */
function record(name: string, value: string): string {
  const rest = ` ${name}=${value}\n`;
  const size = Buffer.byteLength(rest);
  const digits = String(size + String(size).length).length;
  return `${size + digits}${rest}`;
}

function header(path: string, type: string, mode: number, size: number, target: string): Buffer {
  if (size >= 8 ** 11) {
    throw new Error(`"${path}" has ${size} bytes; expected fewer than 8 GiB, the most that a ustar header can say`);
  }
  const block = Buffer.alloc(BLOCK);
  block.write(path, 0, 100);
  block.write(octal(mode, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(size, 11), 124);
  block.write(octal(0, 11), 136);
  block.write(' '.repeat(8), 148);
  block.write(type, 156);
  block.write(target, 157, 100);
  block.write('ustar\u000000', 257);
  block.write(`${octal(block.reduce((sum, byte) => sum + byte, 0), 6)}\0 `, 148);
  return block;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

function padding(size: number): Buffer {
  return Buffer.alloc((BLOCK - size % BLOCK) % BLOCK);
}
