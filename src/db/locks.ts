/** Locks that hold across transactions and processes: PostgreSQL's advisory locks. */
import { sql } from 'kysely';

import type { Db } from './connect.ts';

/** Any number, the same in every version of this program: it keeps these locks apart from others'. */
const tagBuildSpace = 7201;
const newUploadSpace = 7210;

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
