/** Bytes of no known format: where they begin to differ, and the text among them. */
import type { Contents } from './content.ts';
import { shown, shownHex } from './shown.ts';
import type { ContentDetail } from './types.ts';

const shownBytes = 16;
const mostStrings = 10;
/** As strings(1), but a run shorter than six is chance more often than text. */
const runs = /[\x20-\x7e\t]{6,}/g;
/** So far behind the first difference texts are looked for, and so many that may be the other's too. */
const searched = 128 * 2 ** 10;
const mostCandidates = 200;

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

/** Readable texts, from the first difference on, that only one of the two has. */
export function compareStrings(left: Uint8Array, right: Uint8Array, section?: string): ContentDetail[] {
  const start = firstDifference(left, right);
  const [one, other] = [stringsBehind(left, start), stringsBehind(right, start)];
  const [onlyLeft, onlyRight] = [onlyIn(one, other, right), onlyIn(other, one, left)];
  if (onlyLeft.length + onlyRight.length === 0) return [];
  return [{ kind: 'strings', ...(section === undefined ? {} : { section }), left: onlyLeft, right: onlyRight }];
}

function onlyIn(mine: ReadonlySet<string>, theirs: ReadonlySet<string>, other: Uint8Array): string[] {
  const all = Buffer.from(other.buffer, other.byteOffset, other.length);
  const found: string[] = [];
  let candidates = 0;
  for (const text of mine) {
    if (theirs.has(text)) continue;
    if (found.length === mostStrings || ++candidates > mostCandidates) break;
    // It may only have moved to where nobody looked for it.
    if (!all.includes(text, 0, 'latin1')) found.push(shown(text));
  }
  return found;
}

function stringsBehind(bytes: Uint8Array, start: number): Set<string> {
  // A text may have begun before it differs.
  const from = Math.max(0, start - 200);
  const part = Buffer.from(bytes.buffer, bytes.byteOffset + from, Math.min(searched, bytes.length - from));
  return new Set(part.toString('latin1').match(runs));
}
