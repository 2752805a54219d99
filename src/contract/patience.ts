/**
 * How long a message may wait in the queue. Dispatch looks at it again after growing pauses; the queue counts the
 * looks, and gives the
 * message to the dead-letter queue after the last. All pauses are in seconds.
 */
export const PAUSES = {
  /** From the start of a build to the first look whether it did its work. */
  build: 120,
  /** After something failed, such as a request to GitHub. */
  retry: 10,
  /** Until GitHub lists a version that it announced. */
  unlisted: 5,
  /** Pauses double from look to look, up to this. */
  longest: 900,
  /** Where many messages wait for the same, their pauses are spread between this and the longest. */
  shortestSpread: 450,
} as const;

/** The longest outage that loses nothing: a day without any build, and half a day without GitHub. Hours. */
export const LONGEST_OUTAGE = 36;

/**
 * Looks before the pauses have grown to their longest: log2(900 / 5), and a dozen while a first fill waits for its
 * turn.
 */
export const GROWING_LOOKS = 12;

/**
 * Looks before a message is given up. Those of the longest outage follow one another after the shortest of the long
 * pauses.
 */
export const MAX_RECEIVES = GROWING_LOOKS + LONGEST_OUTAGE * 3600 / PAUSES.shortestSpread;
