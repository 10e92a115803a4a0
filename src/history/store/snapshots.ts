/** Rows of `history_snapshot`. */
import { sql } from 'kysely';

import type { Db } from '../../db/connect.ts';
import type { Sha256 } from '../../kit/digest.ts';
import type { SnapshotChanges, SnapshotRef, SuiteRef } from '../../model/index-history.ts';
import type { SnapshotId } from '../../model/names.ts';
import type { NewSnapshot, SnapshotView, TrackedSuite } from '../types.ts';

const columns = [
  'origin',
  'suite',
  'snapshot_id',
  'codename',
  'valid_until',
  'seen_at',
  'release_sha256',
  'signed_by',
  'changes',
] as const;

/** Snapshots of a suite, newest first; `before` is an id that they are older than. */
export async function listSnapshots(
  db: Db,
  ref: SuiteRef,
  { before, limit }: { readonly before?: string; readonly limit: number },
): Promise<SnapshotView[]> {
  const rows = await ofSuite(db, ref)
    .$if(before !== undefined, (query) => query.where('snapshot_id', '<', before!))
    .orderBy('snapshot_id', 'desc')
    .limit(limit)
    .execute();
  return rows.map(toView);
}

/** The newest; with a moment, the one that was current then; with an id, that one and no other. */
export async function findSnapshot(db: Db, ref: SuiteRef, at?: SnapshotId | Date): Promise<SnapshotView | undefined> {
  if (typeof at === 'string') {
    const row = await ofSuite(db, ref).where('snapshot_id', '=', at).executeTakeFirst();
    return row && toView(row);
  }
  // Ids sort by time; what begins a second after the moment is the first that is too late.
  const [found] = await listSnapshots(db, ref, {
    limit: 1,
    ...(at === undefined ? {} : { before: idAfter(at) }),
  });
  return found;
}

export async function previousSnapshot(db: Db, ref: SnapshotRef): Promise<SnapshotView | undefined> {
  const [found] = await listSnapshots(db, ref, { before: ref.snapshotId, limit: 1 });
  return found;
}

export async function nextSnapshot(db: Db, ref: SnapshotRef): Promise<SnapshotView | undefined> {
  const row = await ofSuite(db, ref)
    .where('snapshot_id', '>', ref.snapshotId)
    .orderBy('snapshot_id')
    .limit(1)
    .executeTakeFirst();
  return row && toView(row);
}

/** Every suite that a snapshot is kept of: ours first, then by upstream. */
export async function listTrackedSuites(db: Db): Promise<TrackedSuite[]> {
  const { rows } = await sql<{
    origin: string;
    suite: string;
    codename: string | null;
    newest: SnapshotId;
    snapshots: number;
    binaries: number;
    sources: number;
  }>`
    with tracked as (
      select origin, suite, max(snapshot_id) as newest, count(*) as snapshots
      from history_snapshot group by origin, suite)
    select t.*, s.codename,
      coalesce(sum(v.entries) filter (where i.kind = 'packages'), 0)::int as binaries,
      coalesce(sum(v.entries) filter (where i.kind = 'sources'), 0)::int as sources
    from tracked t
    join history_snapshot s on s.origin = t.origin and s.suite = t.suite and s.snapshot_id = t.newest
    left join history_index i on i.origin = t.origin and i.suite = t.suite
    left join history_index_version v on v.index = i.id and v.until is null
    group by t.origin, t.suite, t.newest, t.snapshots, s.codename
    order by t.origin, t.suite`.execute(db);
  return rows.map(({ codename, ...row }) => ({ ...row, ...(codename === null ? {} : { codename }) }));
}

/** The suite that has this codename in its newest snapshots, if no suite has it as its name. */
export async function suiteOfCodename(db: Db, origin: string, codename: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('history_snapshot')
    .select('suite')
    .where('origin', '=', origin)
    .where('codename', '=', codename)
    .orderBy('snapshot_id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.suite;
}

/** Whether the row is new, or says more than before: a Release file, or who vouched for it. */
export async function saveSnapshot(trx: Db, snapshot: NewSnapshot): Promise<'new' | 'completed' | 'known'> {
  const { origin, suite, snapshotId, codename, validUntil, seenAt, release, signedBy } = snapshot;
  const facts = {
    codename: codename ?? null,
    valid_until: validUntil ?? null,
    release_sha256: release ?? null,
    signed_by: [...signedBy],
  };
  const inserted = await trx
    .insertInto('history_snapshot')
    .values({ origin, suite, snapshot_id: snapshotId, seen_at: seenAt, changes: null, ...facts })
    .onConflict((conflict) => conflict.doNothing())
    .returning('snapshot_id')
    .executeTakeFirst();
  if (inserted !== undefined) return 'new';
  if (release === undefined) return 'known';
  const completed = await trx
    .updateTable('history_snapshot')
    .set(facts)
    .where('origin', '=', origin)
    .where('suite', '=', suite)
    .where('snapshot_id', '=', snapshotId)
    .where('release_sha256', 'is', null)
    .returning('snapshot_id')
    .executeTakeFirst();
  return completed === undefined ? 'known' : 'completed';
}

export async function saveChanges(trx: Db, ref: SnapshotRef, changes: SnapshotChanges): Promise<void> {
  await trx
    .updateTable('history_snapshot')
    .set({ changes: JSON.stringify(changes) })
    .where('origin', '=', ref.origin)
    .where('suite', '=', ref.suite)
    .where('snapshot_id', '=', ref.snapshotId)
    .execute();
}

function ofSuite(db: Db, { origin, suite }: SuiteRef) {
  return db.selectFrom('history_snapshot').select(columns).where('origin', '=', origin).where('suite', '=', suite);
}

/** Sorts behind the id of the moment's second, before that of the next. */
function idAfter(moment: Date): string {
  return `${moment.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}[`;
}

type Row = Awaited<ReturnType<ReturnType<typeof ofSuite>['execute']>>[number];

function toView(row: Row): SnapshotView {
  return {
    origin: row.origin,
    suite: row.suite,
    snapshotId: row.snapshot_id as SnapshotId,
    seenAt: row.seen_at,
    signedBy: row.signed_by,
    ...(row.codename === null ? {} : { codename: row.codename }),
    ...(row.valid_until === null ? {} : { validUntil: row.valid_until }),
    ...(row.release_sha256 === null ? {} : { release: row.release_sha256 as Sha256 }),
    ...(row.changes === null ? {} : { changes: row.changes }),
  };
}
