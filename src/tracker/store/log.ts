/** Logs, in the chunks that they came in. */
import { sql } from 'kysely';

import type { Db } from '../../db/connect.ts';

/**
 * A job's log from byte `from`, in the chunks that it came in; the first may begin before `from`. At most `limit`
 * chunks.
 */
export async function readLogChunks(
  db: Db,
  job: number,
  attempt: number,
  from: number,
  limit: number,
): Promise<{ position: number; bytes: Buffer }[]> {
  const { rows } = await sql<{ position: number; bytes: Buffer }>`
    select position, bytes from log_chunk
    where job = ${job} and attempt = ${attempt} and position >= coalesce(
      (select max(position) from log_chunk where job = ${job} and attempt = ${attempt} and position <= ${from}), 0)
    order by position limit ${limit}`.execute(db);
  return rows;
}
