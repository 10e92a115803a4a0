/** Texts by their lines. */
import { lineChanges } from '../../formats/deb/line-changes.ts';
import { order } from '../../kit/order.ts';
import type { Contents } from './content.ts';
import { shown } from './shown.ts';
import type { ContentDetail, Side } from './types.ts';

/** Larger texts are compared as bytes. */
const largestText = 16 * 2 ** 20;
/** Lines that are told of each change. */
const mostLines = 3;
const lf = 0x0a;

/** UTF-8, or at least no byte that no text has. */
export function isText(bytes: Uint8Array): boolean {
  if (bytes.length > largestText) return false;
  const start = bytes.subarray(0, 8192);
  return start.every((byte) => byte >= 0x20 || (byte >= 0x07 && byte <= 0x0d) || byte === 0x1b);
}

export function compareTexts({ left, right }: Pick<Contents, 'left' | 'right'>): ContentDetail[] {
  const reordered = compareOrder(linesOf(left), linesOf(right));
  if (reordered !== undefined) return [reordered];
  const details: ContentDetail[] = [];
  const lines = linesOf(left);
  const unended = { left: isUnended(left), right: isUnended(right) };
  const total = linesOf(right).length;
  let shift = 0;
  for (const { line, removed, added } of lineChanges(left, right)) {
    const come = linesOf(added);
    const ends = { left: line + removed === lines.length, right: line + shift + come.length === total };
    // Of the last line, only that may differ.
    const end = (side: Side) => (unended.left !== unended.right && unended[side] && ends[side] ? [noNewline] : []);
    details.push({
      kind: 'lines',
      line: { left: line + 1, right: line + 1 + shift },
      ...{ removed, added: come.length },
      left: [...lines.slice(line, line + Math.min(removed, mostLines)).map(shown), ...end('left')],
      right: [...come.slice(0, mostLines).map(shown), ...end('right')],
    });
    shift += come.length - removed;
  }
  return details;
}

/** As diff(1) says it. */
const noNewline = '\\ No newline at end of file';

function isUnended(bytes: Uint8Array): boolean {
  return bytes.length > 0 && bytes.at(-1) !== lf;
}

/** The same in another order: then what changes places says nothing. */
export function compareOrder(
  left: readonly string[],
  right: readonly string[],
  of: (ContentDetail & { readonly kind: 'order' })['of'] = 'lines',
): ContentDetail | undefined {
  if (left.length !== right.length || left.every((line, index) => line === right[index])) return undefined;
  const [one, other] = [left.toSorted(order), right.toSorted(order)];
  if (one.some((line, index) => line !== other[index])) return undefined;
  const isSorted = (lines: readonly string[], sorted: readonly string[]) =>
    lines.every((line, at) => line === sorted[at]);
  const sorted = isSorted(left, one) ? 'left' : isSorted(right, other) ? 'right' : undefined;
  return { kind: 'order', of, ...(sorted === undefined ? {} : { sorted }) };
}

function linesOf(bytes: Uint8Array): string[] {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(
    bytes.at(-1) === lf ? bytes.subarray(0, -1) : bytes,
  );
  return bytes.length === 0 ? [] : text.split('\n');
}
