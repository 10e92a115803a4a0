/** Reading a job's log by byte position. */
import * as store from './store.ts';
import type { Db } from './store.ts';

/** Chunks asked for at once: they are as large as the worker sent them, up to some hundred kilobytes. */
const chunksAtOnce = 16;

export type LogState = {
  /** Bytes there are. */
  readonly size: number;
  /** Whether no more will come. */
  readonly finished: boolean;
};

export async function logState(db: Db, job: number, attempt: number): Promise<LogState | undefined> {
  const row = await store.readAttempt(db, job, attempt);
  return row === undefined ? undefined : { size: row.log_bytes, finished: row.finished_at !== null };
}

/** The log's bytes from a position on, up to `to`, piece by piece. */
export async function* readLog(
  db: Db,
  job: number,
  attempt: number,
  from = 0,
  to = Number.POSITIVE_INFINITY,
): AsyncGenerator<Uint8Array> {
  let position = from;
  while (position < to) {
    const chunks = await store.readLogChunks(db, job, attempt, position, chunksAtOnce);
    let moved = false;
    for (const chunk of chunks) {
      const skip = position - chunk.position;
      if (skip < 0 || skip >= chunk.bytes.length) continue;
      const piece = chunk.bytes.subarray(skip, Math.min(chunk.bytes.length, to - chunk.position));
      if (piece.length === 0) break;
      position += piece.length;
      moved = true;
      yield piece;
    }
    if (!moved) return;
  }
}

/** Bytes of a log between two positions, at once: for the tail that a page shows. */
export async function readLogRange(db: Db, job: number, attempt: number, from: number, to: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of readLog(db, job, attempt, from, to)) pieces.push(piece);
  return Buffer.concat(pieces);
}
