/** The one transaction in which a snapshot becomes known. */
import { sql } from 'kysely';

import type { Db } from '../../db/connect.ts';
import { inTransaction } from '../../db/transaction.ts';
import { SheafError } from '../../kit/error.ts';

/** First key of an advisory lock: recordings follow one another, whichever process does them. */
const recordingLock = 7501;

/**
 * Runs `work` in a transaction, alone. Throws `history-mismatch` when the tables speak of the pieces of another store
 * than `storeId`; tables that are empty are bound to it.
 */
export async function inRecording<T>(db: Db, storeId: string, work: (trx: Db) => Promise<T>): Promise<T> {
  return inTransaction(db, async (trx) => {
    await sql`select pg_advisory_xact_lock(${recordingLock}::int, 0)`.execute(trx);
    await bindStore(trx, storeId);
    return work(trx);
  });
}

async function bindStore(trx: Db, storeId: string): Promise<void> {
  const row = await trx.selectFrom('history_store').select('id').limit(1).executeTakeFirst();
  if (row?.id === storeId) return;
  if (row === undefined) {
    await trx.insertInto('history_store').values({ id: storeId }).execute();
    return;
  }
  throw new SheafError(
    'history-mismatch',
    `Cannot record a snapshot: the database belongs to the index store ${row.id}, the folder on the disk is ${storeId}`,
    {
      kind: 'environment',
      hint: 'Restore the folder "history" and the database from copies of the same day, or begin with both empty.',
    },
  );
}

/** After many rows at once, so that the next questions are planned with true numbers. */
export async function analyze(trx: Db): Promise<void> {
  await sql`analyze stanza, presence, relation, history_index_version`.execute(trx);
}
