/**
 * Names, versions and architectures stand in an index again and again. Those seen lately are kept as strings, so that
 * reading one more time makes none; in bounded memory, since a word that comes later takes the place of an earlier one.
 */
const slots = 2 ** 15;
const longestKept = 64;

export class IndexWords {
  /** The slot of the last word: the same for the same word. */
  slot = 0;
  readonly #words = Array.from<string>({ length: slots }).fill('');

  /** The ASCII text of `bytes` from `from` to `to`, as a string that holds no larger one. */
  read(bytes: Uint8Array, from: number, to: number): string {
    let hash = to - from;
    for (let at = from; at < to; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0;
    this.slot = (hash ^ (hash >>> 15)) & (slots - 1);
    const known = this.#words[this.slot]!;
    if (isSame(known, bytes, from, to)) return known;
    const word = ascii.decode(bytes.subarray(from, to));
    if (word.length <= longestKept) this.#words[this.slot] = word;
    return word;
  }
}

const ascii = new TextDecoder();

function isSame(word: string, bytes: Uint8Array, from: number, to: number): boolean {
  if (word.length !== to - from) return false;
  for (let i = 0; i < word.length; i++) if (word.charCodeAt(i) !== bytes[from + i]) return false;
  return true;
}
