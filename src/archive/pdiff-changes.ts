/**
 * Which lines of an index change, found without comparing all of it: only where blocks were made anew, and there package
 * by package. Any two texts give true changes; for sorted ones they are few.
 */
import { countLines, lineChanges, type LineChange } from '../formats/deb/line-changes.ts';
import { endOfStanza } from '../formats/deb/index-scan.ts';
import { order } from '../kit/order.ts';
import { nameAt } from './index-runs.ts';
import type { IndexEdit } from './make-index.ts';

/** The changes do not touch each other. */
export function indexChanges(edits: readonly IndexEdit[]): LineChange[] {
  const changes: LineChange[] = [];
  for (const { line, before, blocks } of edits) changeRuns([before], blocks, line, changes);
  return changes;
}

type Run = { readonly name: string; readonly bytes: Uint8Array };

function changeRuns(
  old: readonly Uint8Array[],
  now: readonly Uint8Array[],
  start: number,
  changes: LineChange[],
): void {
  const [before, after] = [runsOf(old), runsOf(now)];
  let [a, b] = [before.next().value, after.next().value];
  let line = start;
  while (a !== undefined || b !== undefined) {
    const difference = a === undefined ? 1 : b === undefined ? -1 : order(a.name, b.name);
    if (difference > 0) {
      add(changes, { line, removed: 0, added: b!.bytes });
      b = after.next().value;
      continue;
    }
    const count = countLines(a!.bytes);
    if (difference < 0) add(changes, { line, removed: count, added: new Uint8Array() });
    else {
      if (Buffer.compare(a!.bytes, b!.bytes) !== 0) {
        for (const change of lineChanges(a!.bytes, b!.bytes)) add(changes, { ...change, line: line + change.line });
      }
      b = after.next().value;
    }
    a = before.next().value;
    line += count;
  }
}

/** What touches the change before is one with it. */
function add(changes: LineChange[], change: LineChange): void {
  const last = changes.at(-1);
  if (last === undefined || last.line + last.removed < change.line) {
    changes.push(change);
    return;
  }
  changes[changes.length - 1] = {
    line: last.line,
    removed: last.removed + change.removed,
    added: Buffer.concat([last.added, change.added]),
  };
}

/** The stanzas of one name that follow each other. */
function* runsOf(blocks: readonly Uint8Array[]): Generator<Run, undefined, undefined> {
  for (const block of blocks) {
    for (let start = 0; start < block.length;) {
      const name = nameAt(block, start);
      let end = endOfStanza(block, start);
      while (end < block.length && nameAt(block, end) === name) end = endOfStanza(block, end);
      yield { name, bytes: block.subarray(start, end) };
      start = end;
    }
  }
}
