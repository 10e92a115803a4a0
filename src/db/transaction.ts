/** Runs in the transaction that is under way, or in one of its own. */
import type { Db } from './connect.ts';

export async function inTransaction<T>(db: Db, work: (trx: Db) => Promise<T>): Promise<T> {
  return db.isTransaction ? work(db) : db.transaction().execute(work);
}
