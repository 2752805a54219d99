import { createHash } from 'node:crypto';
import type { Content } from './manifest';

/** Digest of bytes by the algorithm of another digest. */
export function digestOf(bytes: Uint8Array, like: string): string {
  const algorithm = like.slice(0, like.indexOf(':'));
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

/**
 * The bytes of a blob as they come, no more and no other than its digest says. A download that breaks off goes on from where it was,
 * as long as each part brings something: a large layer need not begin anew.
 *
 * @param open the blob from a byte on
 * @param first the blob from its first byte on
 * @param onBroken told of each part that broke off
 * @throws when the bytes are not those of the digest
 */
export async function* verified(
  content: Content,
  first: AsyncIterable<Buffer>,
  open: (offset: number) => Promise<AsyncIterable<Buffer>>,
  onBroken: (offset: number, error: Error) => void,
): AsyncGenerator<Buffer, void> {
  const [algorithm] = content.digest.split(':');
  const hash = createHash(algorithm);
  let offset = 0;
  for (let part = first; ; part = await open(offset)) {
    const before = offset;
    try {
      for await (const chunk of part) {
        offset += chunk.length;
        hash.update(chunk);
        if (offset > content.size) { break; }
        yield chunk;
      }
      if (offset >= content.size) { break; }
      throw new Error('the answer ended early');
    } catch (error) {
      const broken = new Error(`connection closed after ${offset} of ${content.size} bytes of blob ${content.digest}: ${String(error)}`);
      if (offset === before || offset >= content.size) { throw broken; }
      onBroken(offset, broken);
    }
  }
  const received = `${algorithm}:${hash.digest('hex')}`;
  if (received !== content.digest) { throw new Error(`${offset} bytes of ${received} came for blob ${content.digest} of ${content.size} bytes: does not match expected digest`); }
}
