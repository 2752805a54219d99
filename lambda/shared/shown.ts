import { oneLine } from './one-line';

/** Longest part of a value that a message shows, in characters. */
const LONGEST = 100;

/**
 * A value of somebody else's for a message: as JSON, cut, and on one line.
 *
 * JSON.parse accepts more levels than JSON.stringify can write before the stack overflows.
 */
export function shown(value: unknown): string {
  try {
    const text = JSON.stringify(typeof value === 'string' ? value.slice(0, LONGEST) : value) ?? 'undefined';
    return oneLine(text.slice(0, LONGEST));
  } catch {
    return 'a value that JSON can\'t show';
  }
}
