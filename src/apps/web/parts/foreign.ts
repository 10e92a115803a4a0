/** Text that others wrote, made fit for a page: `html` escapes it, this takes away what moves the eye or has no end. */

/** Control characters but TAB and LF, and marks that turn the direction of writing. */
const unseen = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** At most `limit` characters, whatever came; what was cut off is an ellipsis, what cannot be shown a `�`. */
export function foreign(text: string, limit = 300): string {
  const cut = text.length > limit ? `${text.slice(0, limit).trimEnd()}…` : text;
  return cut.toWellFormed().replaceAll(unseen, '\ufffd');
}
