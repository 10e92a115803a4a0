/** Transactions that wake others up, and wait for the disk without making everybody else wait. */
import { sql } from 'kysely';

import type { Db } from './connect.ts';

/**
 * Runs in the transaction that is under way, or in one of its own, which is on disk when this returns.
 *
 * PostgreSQL lets one transaction at a time commit a NOTIFY, and would have all others wait while the disk writes. So
 * the commit itself does not wait; a message in the log of changes behind it does, together with everybody else's.
 */
export async function inTransaction<T>(db: Db, work: (trx: Db) => Promise<T>): Promise<T> {
  if (db.isTransaction) return work(db);
  const result = await db.transaction().execute(async (trx) => {
    const result = await work(trx);
    await sql`select ${withoutFlush}`.execute(trx);
    return result;
  });
  await sql`select pg_logical_emit_message(true, 'sheaf', '')`.execute(db);
  return result;
}

/**
 * For changes that may be forgotten when the machine loses power, such as a lease: its job then simply waits again.
 * Evaluated anywhere in a statement, it lets that statement's transaction commit without waiting for the disk.
 */
export const withoutFlush = sql`set_config('synchronous_commit', 'off', true)`;
