import { crc32 } from 'node:zlib';

// Both formats can carry data uncompressed. That is what is wanted here: random content doesn't shrink anyway, and a
// compressor's output differs between versions of Node, so that the same seed would give other digests.

/** A gzip file of stored blocks. @see https://www.rfc-editor.org/rfc/rfc1952 and rfc1951#section-3.2.4 */
export function storedGzip(content: Buffer): Buffer {
  const parts: Buffer[] = [Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff])];
  for (const { block, last } of blocks(content, 0xffff)) {
    const head = Buffer.alloc(5);
    head.writeUInt8(last ? 1 : 0, 0);
    head.writeUInt16LE(block.length, 1);
    head.writeUInt16LE(0xffff - block.length, 3);
    parts.push(head, block);
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(content), 0);
  trailer.writeUInt32LE(content.length % 2 ** 32, 4);
  return Buffer.concat([...parts, trailer]);
}

/**
 * A zstd frame of raw blocks, which Node 20 can't write otherwise.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1
 */
export function storedZstd(content: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUInt32LE(0xfd2fb528, 0);
  // Single segment, four bytes of content size.
  head.writeUInt8(0xa0, 4);
  head.writeUInt32LE(content.length, 5);
  const parts: Buffer[] = [head];
  for (const { block, last } of blocks(content, 64 * 1024)) {
    const blockHead = Buffer.alloc(3);
    blockHead.writeUIntLE(block.length * 8 + (last ? 1 : 0), 0, 3);
    parts.push(blockHead, block);
  }
  return Buffer.concat(parts);
}

/** At least one block, which may be empty. */
function* blocks(content: Buffer, size: number): Generator<{ block: Buffer; last: boolean }> {
  for (let at = 0; at === 0 || at < content.length; at += size) {
    yield { block: content.subarray(at, at + size), last: at + size >= content.length };
  }
}
