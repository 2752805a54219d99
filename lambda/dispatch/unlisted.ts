import type { Received } from './received';
import type { PackageMessage } from '../../src/contract/messages';

/**
 * GitHub's REST API trails behind its own deliveries, by seconds as a rule. A version that is not listed by then was
 * deleted.
 */
const LISTING_LAG_MS = 45 * 60_000;

/** Messages by what GitHub lists of the digests that they announce. */
export interface Listing {
  readonly listed: readonly Received<PackageMessage>[];
  /** Not listed yet. */
  readonly late: readonly Received<PackageMessage>[];
  /** Announced long ago, and not listed: deleted since. */
  readonly deleted: readonly Received<PackageMessage>[];
}

/**
 * @param digests what GitHub lists
 * @param now milliseconds since the epoch
 */
export function listingOf(
  messages: readonly Received<PackageMessage>[],
  digests: ReadonlySet<string>,
  now: number,
): Listing {
  const unlisted = messages.filter(({ message: { digest } }) => digest !== undefined && !digests.has(digest));
  const isLate = ({ sentAt }: Received): boolean => now - sentAt < LISTING_LAG_MS;
  return {
    listed: messages.filter(received => !unlisted.includes(received)),
    late: unlisted.filter(isLate),
    deleted: unlisted.filter(received => !isLate(received)),
  };
}
