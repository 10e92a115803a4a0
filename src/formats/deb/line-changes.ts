/** Which lines of a text give way to which, found line by line: for texts of some hundred lines. */

export type LineChange = {
  /** Lines of the old text before it. */
  readonly line: number;
  /** Lines of the old text that go. */
  readonly removed: number;
  /** Whole lines, each with its LF, that come in their place. */
  readonly added: Uint8Array;
};

/** Longer texts are one change, apart from what they begin and end with in common. */
const mostPairs = 1_000_000;

/** The changes that lead from `old` to `now`, from the first line on; between two of them a line stays. */
export function lineChanges(old: Uint8Array, now: Uint8Array): LineChange[] {
  const [before, after] = [linesOf(old), linesOf(now)];
  const least = Math.min(before.lines.length, after.lines.length);
  let head = 0;
  while (head < least && before.lines[head] === after.lines[head]) head++;
  let tail = 0;
  while (tail < least - head && before.lines.at(-1 - tail) === after.lines.at(-1 - tail)) tail++;
  const a = before.lines.slice(head, before.lines.length - tail);
  const b = after.lines.slice(head, after.lines.length - tail);
  return hunks(a, b).map(({ from, to, first, last }) => ({
    line: head + from,
    removed: to - from,
    added: now.subarray(after.starts[head + first], after.starts[head + last]),
  }));
}

export function countLines(bytes: Uint8Array): number {
  let count = 0;
  for (let at = 0; at < bytes.length; at++) if (bytes[at] === lf) count++;
  return count;
}

const lf = 0x0a;

/** One character for each byte; `starts` has one more, the end. */
function linesOf(bytes: Uint8Array): { readonly lines: readonly string[]; readonly starts: readonly number[] } {
  const text = new TextDecoder('latin1').decode(bytes);
  const [lines, starts]: [string[], number[]] = [[], [0]];
  for (let start = 0; start < text.length;) {
    const end = text.indexOf('\n', start) + 1 || text.length;
    lines.push(text.slice(start, end));
    starts.push(end);
    start = end;
  }
  return { lines, starts };
}

/** Lines `from` to `to` of the old give way to `first` to `last` of the new; the ends are not included. */
type Hunk = { readonly from: number; to: number; readonly first: number; last: number };

/** By the longest common subsequence, as a table. */
function hunks(a: readonly string[], b: readonly string[]): Hunk[] {
  if (a.length === 0 && b.length === 0) return [];
  if (a.length * b.length > mostPairs) return [{ from: 0, to: a.length, first: 0, last: b.length }];
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      longest[i * width + j] =
        a[i] === b[j]
          ? longest[(i + 1) * width + j + 1]! + 1
          : Math.max(longest[(i + 1) * width + j]!, longest[i * width + j + 1]!);
    }
  }
  const found: Hunk[] = [];
  let current: Hunk | undefined;
  for (let [i, j] = [0, 0]; i < a.length || j < b.length;) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      current = undefined;
      i++;
      j++;
      continue;
    }
    if (current === undefined) found.push((current = { from: i, to: i, first: j, last: j }));
    if (j === b.length || (i < a.length && longest[(i + 1) * width + j]! >= longest[i * width + j + 1]!)) {
      current.to = ++i;
    } else current.last = ++j;
  }
  return found;
}
