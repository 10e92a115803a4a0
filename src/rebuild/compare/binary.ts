/** Bytes of no known format: where they begin to differ, and the text among them. */
import type { Contents } from './content.ts';
import { shown, shownHex } from './shown.ts';
import type { ContentDetail } from './types.ts';

const shownBytes = 16;
const mostStrings = 10;
/** As strings(1), but a run shorter than six is chance more often than text. */
const runs = /[\x20-\x7e\t]{6,}/g;
/** Larger ones are not searched for text, nor behind so many texts. */
const largest = 16 * 2 ** 20;
const mostTexts = 500_000;

export function compareBinary({ left, right }: Pick<Contents, 'left' | 'right'>): ContentDetail[] {
  const offset = firstDifference(left, right);
  const hex = (bytes: Uint8Array) => shownHex(bytes.subarray(offset, offset + shownBytes));
  return [{ kind: 'bytes', offset, left: hex(left), right: hex(right) }, ...compareStrings(left, right)];
}

export function firstDifference(left: Uint8Array, right: Uint8Array): number {
  const length = Math.min(left.length, right.length);
  // Whole runs by the library, then byte by byte in the one that differs.
  const run = 4096;
  let at = 0;
  while (at < length && Buffer.compare(left.subarray(at, at + run), right.subarray(at, at + run)) === 0) at += run;
  at = Math.min(at, length);
  while (at < length && left[at] === right[at]) at++;
  return at;
}

/** Readable texts that only one of the two has. */
export function compareStrings(left: Uint8Array, right: Uint8Array, section?: string): ContentDetail[] {
  if (left.length > largest || right.length > largest) return [];
  const [one, other] = [stringsIn(left), stringsIn(right)];
  const onlyIn = (mine: ReadonlySet<string>, theirs: ReadonlySet<string>) =>
    [...mine]
      .filter((text) => !theirs.has(text))
      .slice(0, mostStrings)
      .map(shown);
  const [onlyLeft, onlyRight] = [onlyIn(one, other), onlyIn(other, one)];
  if (onlyLeft.length + onlyRight.length === 0) return [];
  return [{ kind: 'strings', ...(section === undefined ? {} : { section }), left: onlyLeft, right: onlyRight }];
}

function stringsIn(bytes: Uint8Array): Set<string> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  const found = new Set<string>();
  for (const [run] of text.matchAll(runs)) {
    if (found.size === mostTexts) break;
    found.add(run);
  }
  return found;
}
