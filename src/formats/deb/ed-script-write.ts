/**
 * Writing `ed` scripts as pdiffs have them: from the last change to the first, so that line numbers stay those of the old
 * text. Only what apt's own reader (`rred`) understands: `a`, `c` and `d`, and lines that it can hold.
 */
import { concat } from '../../kit/concat.ts';
import type { LineChange } from './line-changes.ts';

/** rred reads lines into a buffer of 512 KiB. */
const longestLine = 500_000;

const lf = 0x0a;
const dot = 0x2e;

/**
 * The script of these changes, which stand in the order of their lines and do not touch each other. Undefined when a line
 * to add cannot stand in a script: a lone dot, which ends a text and around which rred knows no detour; NUL, which it takes
 * for an end; a very long line; a last line without LF.
 */
export function formatEdScript(changes: readonly LineChange[]): Uint8Array | undefined {
  const encoder = new TextEncoder();
  const parts: Uint8Array[] = [];
  for (const { line, removed, added } of changes.toReversed()) {
    const lines = removed > 1 ? `${line + 1},${line + removed}` : `${line + removed}`;
    if (added.length === 0) {
      if (removed > 0) parts.push(encoder.encode(`${lines}d\n`));
      continue;
    }
    if (!canStand(added)) return undefined;
    parts.push(encoder.encode(`${lines}${removed > 0 ? 'c' : 'a'}\n`), added, encoder.encode('.\n'));
  }
  return concat(parts);
}

function canStand(added: Uint8Array): boolean {
  if (added.at(-1) !== lf || added.includes(0)) return false;
  for (let start = 0; start < added.length;) {
    const end = added.indexOf(lf, start);
    if (end - start > longestLine || (end === start + 1 && added[start] === dot)) return false;
    start = end + 1;
  }
  return true;
}
