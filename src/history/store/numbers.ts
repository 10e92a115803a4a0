/** Running numbers of the snapshots of our own suites. */
import type { Db } from '../../db/connect.ts';
import type { SnapshotId } from '../../model/names.ts';

export async function snapshotOfNumber(db: Db, suite: string, number: number): Promise<SnapshotId | undefined> {
  const row = await db
    .selectFrom('snapshot')
    .select('snapshot_id')
    .where('suite', '=', suite)
    .where('number', '=', number)
    .where('state', '=', 'published')
    .executeTakeFirst();
  return row?.snapshot_id as SnapshotId | undefined;
}
