/** The last part of a log, ready to be shown, and where to go on from. */
import { logState, readLogRange } from '../../../tracker/mod.ts';
import type { Db } from '../../../tracker/store.ts';
import { renderLines, tailStart } from './lines.ts';

/** Bytes of the log that a page shows. */
export const tailBytes = 128 * 1024;

export type Tail = {
  readonly html: string;
  readonly partial: string;
  /** Bytes before the first one shown. */
  readonly skipped: number;
  /** The position that the next line begins at. */
  readonly position: number;
  readonly size: number;
  readonly finished: boolean;
};

export async function readTail(db: Db, job: number, attempt: number): Promise<Tail | undefined> {
  const state = await logState(db, job, attempt);
  if (state === undefined) return undefined;
  const from = Math.max(0, state.size - tailBytes);
  const bytes = await readLogRange(db, job, attempt, from, state.size);
  const start = tailStart(bytes, from);
  const { html, partial, consumed } = renderLines(bytes.subarray(start - from), state.finished);
  return { html, partial, skipped: start, position: start + consumed, size: state.size, finished: state.finished };
}
