/** Characters that begin a new line or move the cursor, in a terminal or in a log's viewer. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/**
 * Makes text one line, so that a name or a message that somebody else wrote can't forge a line of the log: each
 * control character is shown as its code, `\u000a`.
 */
export function oneLine(text: string): string {
  return text.replace(CONTROL, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
