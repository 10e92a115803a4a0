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
  let shift = 0;
  const changes = lineChanges(left, right);
  for (const [index, { line, removed, added }] of changes.entries()) {
    const come = linesOf(added);
    // A last line that alone has no newline is like none of the other side's: it stands in the last change.
    const isLast = unended.left !== unended.right && index === changes.length - 1;
    const end = (side: Side) => (isLast && unended[side] ? [noNewline] : []);
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
