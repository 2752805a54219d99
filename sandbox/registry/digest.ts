import { createHash, Hash } from 'node:crypto';

export type DigestAlgorithm = 'sha256' | 'sha512';

const LENGTHS: Record<DigestAlgorithm, number> = { sha256: 64, sha512: 128 };

/** `sha256:...` or `sha512:...` of these bytes. */
export function digestOf(bytes: Buffer | string, algorithm: DigestAlgorithm = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

/** The digest of what a running hash has seen, which may go on. */
export function digestSoFar(hash: Hash): string {
  return `sha256:${hash.copy().digest('hex')}`;
}

/** undefined when it isn't a digest that this registry can verify. */
export function digestAlgorithm(digest: string): DigestAlgorithm | undefined {
  const [algorithm = '', hex = '', ...rest] = digest.split(':');
  if (algorithm !== 'sha256' && algorithm !== 'sha512') { return undefined; }
  return rest.length === 0 && hex.length === LENGTHS[algorithm] && /^[a-f0-9]+$/.test(hex) ? algorithm : undefined;
}
