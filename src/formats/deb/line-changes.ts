/** Which lines of a text give way to which: the fewest for texts of some hundred lines, else what stands between lines that stay. */

export type LineChange = {
  /** Lines of the old text before it. */
  readonly line: number;
  /** Lines of the old text that go. */
  readonly removed: number;
  /** Whole lines, each with its LF, that come in their place. */
  readonly added: Uint8Array;
};

/** Of lines that are compared each with each. */
const mostPairs = 1_000_000;

/**
 * The changes that lead from `old` to `now`, from the first line on; between two of them a line stays. Where more pairs of
 * lines than `most` would be compared, lines that come once divide the texts.
 */
export function lineChanges(old: Uint8Array, now: Uint8Array, most = mostPairs): LineChange[] {
  const [before, after] = [linesOf(old), linesOf(now)];
  return [...changed(before.lines, after.lines, { from: 0, first: 0, most })].map(({ from, to, first, last }) => ({
    line: from,
    removed: to - from,
    added: now.subarray(after.starts[first], after.starts[last]),
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

/** Of two parts of texts, which begin with the lines `from` and `first`. */
type Part = { readonly from: number; readonly first: number; readonly most: number };

function* changed(a: readonly string[], b: readonly string[], part: Part): Generator<Hunk> {
  const least = Math.min(a.length, b.length);
  let head = 0;
  while (head < least && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < least - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  const [old, now] = [a.slice(head, a.length - tail), b.slice(head, b.length - tail)];
  const [from, first] = [part.from + head, part.first + head];
  const fits = old.length * now.length <= part.most;
  const stays = fits ? [] : anchors(old, now);
  if (stays.length === 0) {
    const all = fits ? hunks(old, now) : [{ from: 0, to: old.length, first: 0, last: now.length }];
    for (const each of all) {
      yield { from: from + each.from, to: from + each.to, first: first + each.first, last: first + each.last };
    }
    return;
  }
  let [i, j] = [0, 0];
  for (const [nextI, nextJ] of [...stays, [old.length, now.length] as const]) {
    yield* changed(old.slice(i, nextI), now.slice(j, nextJ), { ...part, from: from + i, first: first + j });
    [i, j] = [nextI + 1, nextJ + 1];
  }
}

/** Lines that both have once and in the same order, as many as can be: their numbers in both. */
function anchors(a: readonly string[], b: readonly string[]): (readonly [number, number])[] {
  const [inA, inB] = [onlyOnce(a), onlyOnce(b)];
  /** The last of the best row of each length; each knows the one before it. */
  const rows: Anchor[] = [];
  for (const [line, i] of inA) {
    const j = inB.get(line);
    if (j === undefined) continue;
    let [low, high] = [0, rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (rows[middle]!.j < j) low = middle + 1;
      else high = middle;
    }
    rows[low] = { i, j, before: rows[low - 1] };
  }
  const found: (readonly [number, number])[] = [];
  for (let each = rows.at(-1); each !== undefined; each = each.before) found.push([each.i, each.j]);
  return found.reverse();
}

type Anchor = { readonly i: number; readonly j: number; readonly before: Anchor | undefined };

/** Lines that come once, with their numbers, in their order. */
function onlyOnce(lines: readonly string[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const often = new Set<string>();
  for (const [at, line] of lines.entries()) {
    if (found.has(line)) often.add(line);
    else found.set(line, at);
  }
  for (const line of often) found.delete(line);
  return found;
}

/** By the longest common subsequence, as a table. */
function hunks(a: readonly string[], b: readonly string[]): Hunk[] {
  if (a.length === 0 && b.length === 0) return [];
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
