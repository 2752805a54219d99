import { createHash } from 'node:crypto';
import { DigestMismatch, NetworkError } from './errors';
import type { Descriptor } from './manifest';
import { messageOf } from '../../shared/errors';

/** Digest of bytes by the algorithm of another digest. */
export function digestOf(bytes: Uint8Array, like: string): string {
  const algorithm = like.slice(0, like.indexOf(':'));
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

/**
 * The bytes of a blob as they arrive, checked against its digest at the end. A download that breaks off is resumed at
 * the byte it had reached, as long as each part brings something: a large layer need not begin anew.
 *
 * @param first the blob from its first byte on
 * @param open opens the blob from a byte on
 * @param onBroken called for each part that broke off
 * @throws DigestMismatch, and NetworkError when a part breaks off before its first byte
 */
export async function* verifiedBytes(
  blob: Descriptor,
  first: AsyncIterable<Buffer>,
  open: (offset: number) => Promise<AsyncIterable<Buffer>>,
  onBroken: (offset: number, error: Error) => void,
): AsyncGenerator<Buffer, void> {
  const [algorithm] = blob.digest.split(':');
  const hash = createHash(algorithm);
  let offset = 0;
  for (let part = first; ; part = await open(offset)) {
    const before = offset;
    try {
      for await (const chunk of part) {
        offset += chunk.length;
        hash.update(chunk);
        if (offset > blob.size) { break; }
        yield chunk;
      }
      if (offset >= blob.size) { break; }
      throw new NetworkError('the answer ended early');
    } catch (error) {
      const broken = new NetworkError(
        `connection closed after ${offset} of ${blob.size} bytes of blob ${blob.digest}: ${messageOf(error)}`,
        { cause: error },
      );
      if (offset === before || offset >= blob.size) { throw broken; }
      onBroken(offset, broken);
    }
  }
  const received = `${algorithm}:${hash.digest('hex')}`;
  if (received !== blob.digest) {
    throw new DigestMismatch(
      `${offset} bytes of ${received} came for blob ${blob.digest} of ${blob.size} bytes: `
        + 'does not match expected digest');
  }
}
