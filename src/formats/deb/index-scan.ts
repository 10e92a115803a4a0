/**
 * Where the stanzas of an index lie. An index is cut exactly after each blank line, that is after every `LF LF` found
 * from the left without overlap; what follows the last of them is the last piece. The pieces joined are the file.
 */

/** Byte offsets: the first, and the one behind the last. */
export type StanzaRange = { readonly start: number; readonly end: number };

const lf = 0x0a;

/**
 * The pieces of `bytes` in their order, none for an empty file. Nothing is judged here: a piece may hold no field (a
 * blank line too many, comments), and whether it is a stanza is the readers' business.
 */
export function* scanStanzas(bytes: Uint8Array): Generator<StanzaRange, void, undefined> {
  let start = 0;
  while (start < bytes.length) {
    const end = endOfStanza(bytes, start);
    yield { start, end };
    start = end;
  }
}

/** Where the piece that begins at `start` ends. */
export function endOfStanza(bytes: Uint8Array, start: number): number {
  const { length } = bytes;
  // Of two neighbours one is always looked at, so every second byte is enough to find two LF in a row.
  for (let at = start + 1; at < length; at += 2) {
    if (bytes[at] !== lf) continue;
    if (bytes[at - 1] === lf) return at + 1;
    if (bytes[at + 1] === lf) return at + 2;
  }
  return length;
}
