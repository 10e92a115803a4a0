/** Rows of `history_index` and `history_index_version`. */
import { sql } from 'kysely';

import type { Db } from '../../db/connect.ts';
import type { Sha256 } from '../../kit/digest.ts';
import type { IndexKind, IndexName, SnapshotRef, SuiteRef } from '../../model/index-history.ts';
import type { SnapshotId } from '../../model/names.ts';
import type { IndexAt } from '../types.ts';

export type IndexRow = IndexName & { readonly index: number };

/** Every index that the suite ever had. */
export async function listIndexes(db: Db, { origin, suite }: SuiteRef): Promise<IndexRow[]> {
  return db
    .selectFrom('history_index')
    .select(['id as index', 'path', 'kind', 'component', 'architecture'])
    .where('origin', '=', origin)
    .where('suite', '=', suite)
    .orderBy('path')
    .execute();
}

export async function addIndexes(trx: Db, { origin, suite }: SuiteRef, names: readonly IndexName[]): Promise<void> {
  if (names.length === 0) return;
  const values = names.map(({ path, kind, component, architecture }) => ({
    ...{ origin, suite, path, kind, component, architecture },
  }));
  await trx.insertInto('history_index').values(values).execute();
}

/** The indexes of a snapshot, by path. Empty when there is no such snapshot. */
export async function indexesAt(db: Db, ref: SnapshotRef): Promise<IndexAt[]> {
  const { rows } = await sql<{
    index: number;
    path: string;
    kind: IndexKind;
    component: string;
    architecture: string;
    sha256: Sha256;
    size: number;
    since: SnapshotId;
    until: SnapshotId | null;
  }>`
    select i.id as index, i.path, i.kind, i.component, i.architecture, v.sha256, v.size, v.since, v.until
    from history_index i
    join history_index_version v on v.index = i.id
    where i.origin = ${ref.origin} and i.suite = ${ref.suite}
      and v.since <= ${ref.snapshotId} and (v.until is null or v.until > ${ref.snapshotId})
      and exists (
        select from history_snapshot s
        where s.origin = ${ref.origin} and s.suite = ${ref.suite} and s.snapshot_id = ${ref.snapshotId})
    order by i.path`.execute(db);
  return rows.map(({ until, ...row }) => ({ ...row, ...(until === null ? {} : { until }) }));
}

/** Says how many entries the content of a Packages or Sources index in this snapshot has. */
export async function countEntries(trx: Db, index: number, snapshotId: SnapshotId): Promise<void> {
  await sql`
    update history_index_version set entries = (
      select count(*) from presence
      where index = ${index} and since <= ${snapshotId} and (until is null or until > ${snapshotId}))
    where index = ${index} and since <= ${snapshotId} and (until is null or until > ${snapshotId})`.execute(trx);
}
