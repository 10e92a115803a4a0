/** Freezing and thawing suites. */
import type { SuiteName } from '../model/names.ts';
import type { Db } from './store.ts';

export { readFreeze, type Freeze } from '../db/freezes.ts';

/** False when it is frozen already. */
export async function insertFreeze(
  db: Db,
  suite: SuiteName,
  { by, reason }: { readonly by: string; readonly reason: string | undefined },
  now: Date,
): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('suite_freeze')
    .values({ suite, since: now, frozen_by: by, reason: reason ?? null })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}

/** False when it was not frozen. */
export async function deleteFreeze(db: Db, suite: SuiteName): Promise<boolean> {
  const { numDeletedRows } = await db.deleteFrom('suite_freeze').where('suite', '=', suite).executeTakeFirstOrThrow();
  return numDeletedRows === 1n;
}
