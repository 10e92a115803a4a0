/** Locks that hold across transactions and processes: PostgreSQL's advisory locks. */
import { sql } from 'kysely';
import type pg from 'pg';

import type { Db } from './connect.ts';

/** Any number, the same in every version of this program: it keeps these locks apart from others'. */
const tagBuildSpace = 7201;
const newUploadSpace = 7210;
const rebuildSpace = 7510;

/** Runs `work` while no other process works on the same tag build; waits until it may. */
export async function withTagBuildLock<T>(db: Db, tagBuild: number, work: () => Promise<T>): Promise<T> {
  return withLock(db, tagBuildSpace, tagBuild, work);
}

/** Runs `work` while nobody else decides about the same upload of the NEW queue. */
export async function withNewUploadLock<T>(db: Db, upload: number, work: () => Promise<T>): Promise<T> {
  return withLock(db, newUploadSpace, upload, work);
}

async function withLock<T>(db: Db, space: number, id: number, work: () => Promise<T>): Promise<T> {
  return db.connection().execute(async (connection) => {
    await sql`select pg_advisory_lock(${space}::int, ${id}::int)`.execute(connection);
    try {
      return await work();
    } finally {
      await sql`select pg_advisory_unlock(${space}::int, ${id}::int)`.execute(connection);
    }
  });
}

/**
 * Waits until no other process works on rebuilds, and runs `work` meanwhile. `held` ends when the connection that the
 * lock hangs on breaks, or with `signal`. Throws when there is no connection.
 */
export async function withRebuildLock(
  pool: pg.Pool,
  signal: AbortSignal,
  work: (held: AbortSignal) => Promise<void>,
): Promise<void> {
  const client = await pool.connect();
  const lost = new AbortController();
  const leave = (): void => lost.abort();
  client.on('error', leave);
  // A connection that waits for the lock cannot be asked to stop waiting.
  const end = (): void => client.release(true);
  signal.addEventListener('abort', leave);
  lost.signal.addEventListener('abort', end);
  try {
    signal.throwIfAborted();
    await client.query('select pg_advisory_lock($1::int, 0)', [rebuildSpace]);
    await work(lost.signal);
  } finally {
    signal.removeEventListener('abort', leave);
    if (!lost.signal.aborted) lost.abort();
  }
}
